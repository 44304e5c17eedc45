namespace AttnKernels.Verification;

/// <summary>Which of its four axes an optional tensor has in full; the others have size 1.</summary>
[Flags]
public enum Axes4
{
    /// <summary>A scalar.</summary>
    None = 0,

    /// <summary>Batch.</summary>
    Batch = 1,

    /// <summary>Heads.</summary>
    Heads = 2,

    /// <summary>Queries.</summary>
    Queries = 4,

    /// <summary>Keys.</summary>
    Keys = 8,

    /// <summary>All four.</summary>
    All = 15,
}

/// <summary>The values of what a score problem says it receives: key lengths, mask, bias, slopes; and the rule that the reference follows.</summary>
internal sealed class ScoreData : IDisposable
{
    private readonly List<PlacedTensor> placed = [];

    private ScoreData(ScoreRule rule) => Rule = rule;

    /// <summary>The contract with this data in it.</summary>
    public ScoreRule Rule { get; }

    public TensorView KeyLengths { get; private set; }

    public TensorView Mask { get; private set; }

    public TensorView Bias { get; private set; }

    public TensorView AlibiSlopes { get; private set; }

    /// <summary>Draws the data for <paramref name="problem"/> and uploads it.</summary>
    public static ScoreData Create(AttentionDevice device, ScoreProblem problem, CaseOptions options, Seeded random)
    {
        ScoreData data = new(Draw(problem, options, random));
        data.KeyLengths = data.Place(device, data.Rule.KeyLengths);
        data.AlibiSlopes = data.Place(device, data.Rule.AlibiSlopes);
        data.Mask = data.Place(device, data.Rule.Mask);
        data.Bias = data.Place(device, data.Rule.Bias);
        return data;
    }

    /// <summary>The contract of <paramref name="problem"/> with data for the tensors that it receives.</summary>
    public static ScoreRule Draw(ScoreProblem problem, CaseOptions options, Seeded random)
    {
        (int batch, int heads, int queries, int keys) = (problem.ScoreBatch, problem.ScoreHeads, problem.ScoreRows, problem.ScoreColumns);
        BandAlignment alignment = problem.Causal.Alignment ?? problem.Alignment ?? BandAlignment.TopLeft;
        ScoreRule rule = new()
        {
            Scale = problem.ScoreScale,
            Softcap = problem.Softcap,
            Causal = problem.Causal.Alignment is not null,
            Alignment = alignment.FollowsEnd ? KeyAlignment.BottomRight : KeyAlignment.Offset,
            Offset = alignment.Offset,
            WindowLeft = problem.WindowLeft,
            WindowRight = problem.WindowRight,
        };
        if (problem.KeyLengths)
        {
            float[] lengths = new float[batch];
            for (int b = 0; b < batch; b++)
                lengths[b] = options.EmptyBatch && b == batch - 1 ? 0 : 1 + (int)(random.Uniform(20, b) * keys);
            rule = rule with { KeyLengths = new HostTensor(DType.Int32, lengths, batch) };
        }
        if (problem.Mask)
        {
            HostTensor mask = random.Booleans(21, 0.7, Size(options.MaskAxes, batch, heads, queries, keys));
            rule = rule with { Mask = mask };
            // The mask hides everything from every fifth line of keys: rows that see nothing in the midst of rows that see something.
            if (options.MaskAxes.HasFlag(Axes4.Queries))
                for (int line = 3 % mask.Shape[2]; line < mask.Values.Length / mask.Shape[3]; line += 5)
                    mask.Values.AsSpan(line * mask.Shape[3], mask.Shape[3]).Clear();
        }
        if (problem.Bias)
        {
            HostTensor bias = random.Normals(22, problem.BiasType, 1, Size(options.BiasAxes, batch, heads, queries, keys));
            rule = rule with { Bias = bias };
            if (options.InfiniteBias)
                for (int n = 0; n < bias.Values.Length; n++)
                    if (random.Uniform(23, n) < 0.2) bias.Values[n] = float.NegativeInfinity;
        }
        if (problem.Alibi)
        {
            int count = options.AlibiPerBatch ? batch * heads : heads;
            float[] slopes = new float[count];
            for (int n = 0; n < count; n++)
                slopes[n] = MathF.Pow(2, -8f * ((n % heads) + 1) / heads) * (1 + (n / heads));
            int[] shape = options.AlibiPerBatch ? [batch, heads] : [heads];
            rule = rule with { AlibiSlopes = new HostTensor(DType.Float32, slopes, shape) };
        }
        return rule;
    }

    /// <summary>Whether a tensor was overwritten.</summary>
    public IEnumerable<string?> Damages() => placed.Select(p => p.Damage(isOutput: false));

    public void Dispose() => placed.ForEach(p => p.Dispose());

    private TensorView Place(AttentionDevice device, HostTensor? tensor)
    {
        if (tensor is null) return default;
        PlacedTensor input = PlacedTensor.Input(device, tensor, Placement.Dense);
        placed.Add(input);
        return input.ViewOfRank(tensor.Shape.Length);
    }

    private static int[] Size(Axes4 axes, int batch, int heads, int queries, int keys) =>
    [
        axes.HasFlag(Axes4.Batch) ? batch : 1,
        axes.HasFlag(Axes4.Heads) ? heads : 1,
        axes.HasFlag(Axes4.Queries) ? queries : 1,
        axes.HasFlag(Axes4.Keys) ? keys : 1,
    ];
}
