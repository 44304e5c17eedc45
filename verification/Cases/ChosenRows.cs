namespace AttnKernels.Verification;

/// <summary>The weights of some rows of an attention problem after it has run: the last row, and others anywhere.</summary>
internal sealed class ChosenRows : IDisposable
{
    private readonly IDisposable plan;
    private readonly Action<WeightsTensors> run;
    private readonly PlacedTensor rows;
    private readonly PlacedTensor weights;

    /// <param name="device">Where they run.</param>
    /// <param name="fused">The plan of the fused run.</param>
    /// <param name="problem">Its problem.</param>
    /// <param name="options">How many rows, and how P lies in memory.</param>
    /// <param name="rule">Says how many queries a batch entry has.</param>
    /// <param name="random">Chooses the rows.</param>
    public ChosenRows(AttentionDevice device, CasePlan fused, AttentionProblem problem, CaseOptions options, ScoreRule rule, Seeded random)
    {
        Rows = new HostTensor(DType.Int32, options.WeightRows, 3);
        for (int n = 0; n < options.WeightRows; n++)
        {
            int b = n == 0 ? problem.Batch - 1 : Any(3 * n, problem.Batch);
            while (rule.QueriesOf(b, problem.SeqQ) == 0) b = (b + 1) % problem.Batch;
            int queries = rule.QueriesOf(b, problem.SeqQ);
            Rows.Values[3 * n] = b;
            Rows.Values[(3 * n) + 1] = n == 0 ? problem.HeadsQ - 1 : Any((3 * n) + 1, problem.HeadsQ);
            Rows.Values[(3 * n) + 2] = n == 0 ? queries - 1 : Any((3 * n) + 2, queries);
        }
        (plan, run) = fused.Weights(device, new WeightsProblem { Attention = problem, Rows = options.WeightRows });
        rows = PlacedTensor.Input(device, Rows, Placement.OddLines);
        weights = PlacedTensor.Output(device, DType.Float32, options.Placement, options.WeightRows, problem.SeqKv);

        int Any(int n, int size) => (int)(random.Uniform(50, n) * size);
    }

    /// <summary>(rows, 3): batch entry, head and query.</summary>
    public HostTensor Rows { get; }

    public void Run(in AttentionTensors tensors) =>
        run(new WeightsTensors { Attention = tensors, Rows = rows.ViewOfRank(2), P = weights.ViewOfRank(2) });

    public float[] Read() => weights.Read();

    public IEnumerable<string?> Damages() => [weights.Damage(true), rows.Damage(false)];

    public void Dispose()
    {
        rows.Dispose();
        weights.Dispose();
        plan.Dispose();
    }
}
