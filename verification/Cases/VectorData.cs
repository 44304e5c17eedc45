namespace AttnKernels.Verification;

/// <summary>Tables of angles and positions for what happens to rows of Q and K, and the same for the references.</summary>
internal sealed class VectorData : IDisposable
{
    private readonly List<PlacedTensor> placed = [];
    private readonly AttentionProblem problem;
    private readonly SequenceData sequences;
    private readonly int[]? positionsQ, positionsKv;

    public VectorData(AttentionDevice device, AttentionProblem problem, SequenceData sequences, Seeded random)
    {
        (this.problem, this.sequences) = (problem, sequences);
        if (problem.Rotary is null && problem.Similarity == Similarity.DotProduct) return;
        Rule = new VectorRule { IsCosine = problem.Similarity == Similarity.Cosine };
        if (problem.Rotary is not { } rotary) return;
        HostTensor cos = Table(rotary, Math.Cos), sin = Table(rotary, Math.Sin);
        Rule = Rule with { Cos = cos, Sin = sin, IsInterleaved = rotary.Interleaved };
        Cos = Place(device, cos);
        Sin = Place(device, sin);
        if (!rotary.Positions) return;
        positionsQ = Positions(random, 46, problem.QueryBatch * problem.QueryRows, rotary.MaxPosition);
        positionsKv = Positions(random, 47, problem.PositionBatch * problem.PositionRows, rotary.MaxPosition);
        PositionsQ = Place(device, Tensor(positionsQ, problem.QueryBatch, problem.QueryRows));
        PositionsKv = Place(device, Tensor(positionsKv, problem.PositionBatch, problem.PositionRows));
    }

    /// <summary>Null where rows are taken as they are.</summary>
    public VectorRule? Rule { get; }

    public TensorView Cos { get; }

    public TensorView Sin { get; }

    public TensorView PositionsQ { get; }

    public TensorView PositionsKv { get; }

    /// <summary>The position of query <paramref name="i"/>: as given, or that of its aligned key.</summary>
    public int OfQuery(int b, int i)
    {
        if (positionsQ is not null) return positionsQ[problem.Packed is null ? (b * problem.SeqQ) + i
            : Math.Min(sequences.QueryRow(b, i), problem.QueryRows - 1)];
        return sequences.Rule.AlignedKey(b, i, problem.SeqQ, problem.SeqKv) + First(b);
    }

    /// <summary>The position of key <paramref name="j"/>.</summary>
    public int OfKey(int b, int j)
    {
        if (positionsKv is null) return First(b) + j;
        return positionsKv[problem.PositionBatch == problem.Batch && problem.Packed?.TotalKv is null ? (b * problem.SeqKv) + j
            : sequences.KeyRow(b, j) ?? 0];
    }

    public IEnumerable<string?> Damages() => placed.Select(p => p.Damage(isOutput: false));

    public void Dispose() => placed.ForEach(p => p.Dispose());

    private int First(int b) => sequences.Rule.FirstPositions is { } first ? (int)first.Values[b] : 0;

    private static HostTensor Table(RotaryForm rotary, Func<double, double> function)
    {
        int pairs = rotary.RotaryDim / 2;
        float[] values = new float[rotary.MaxPosition * pairs];
        for (int n = 0; n < values.Length; n++)
            values[n] = (float)function(n / pairs * Math.Pow(10000, -2.0 * (n % pairs) / rotary.RotaryDim));
        return new HostTensor(DType.Float32, values, rotary.MaxPosition, pairs);
    }

    private static int[] Positions(Seeded random, int stream, int count, int positions) =>
        [.. Enumerable.Range(0, count).Select(n => (int)(random.Uniform(stream, n) * positions))];

    private static HostTensor Tensor(int[] values, int rows, int columns) =>
        new(DType.Int32, [.. values.Select(v => (float)v)], rows, columns);

    private TensorView Place(AttentionDevice device, HostTensor tensor)
    {
        PlacedTensor input = PlacedTensor.Input(device, tensor, Placement.Dense);
        placed.Add(input);
        return input.ViewOfRank(2);
    }
}
