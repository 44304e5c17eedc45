namespace AttnKernels.Verification;

/// <summary>The weights of some rows of an attention problem after it has run: the last row, and others anywhere.</summary>
internal sealed class ChosenRows : IDisposable
{
    private readonly WeightsPlan plan;
    private readonly PlacedTensor rows;
    private readonly PlacedTensor weights;

    public ChosenRows(AttentionDevice device, AttentionProblem problem, CaseOptions options, Seeded random)
    {
        int[] sizes = [problem.Batch, problem.HeadsQ, problem.SeqQ];
        Rows = new HostTensor(DType.Int32, options.WeightRows, 3);
        for (int n = 0; n < Rows.Values.Length; n++)
            Rows.Values[n] = n < 3 ? sizes[n] - 1 : (int)(random.Uniform(50, n) * sizes[n % 3]);
        plan = device.Plan(new WeightsProblem { Attention = problem, Rows = options.WeightRows });
        rows = PlacedTensor.Input(device, Rows, Placement.OddLines);
        weights = PlacedTensor.Output(device, DType.Float32, options.Placement, options.WeightRows, problem.SeqKv);
    }

    /// <summary>(rows, 3): batch entry, head and query.</summary>
    public HostTensor Rows { get; }

    public void Run(in AttentionTensors tensors) =>
        plan.Run(new WeightsTensors { Attention = tensors, Rows = rows.ViewOfRank(2), P = weights.ViewOfRank(2) });

    public float[] Read() => weights.Read();

    public IEnumerable<string?> Damages() => [weights.Damage(true), rows.Damage(false)];

    public void Dispose()
    {
        rows.Dispose();
        weights.Dispose();
        plan.Dispose();
    }
}
