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

/// <summary>
/// The values of what a score problem says it receives: key lengths, mask, bias, slopes; and the rule that the reference follows.
/// </summary>
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

    public TensorView Sinks { get; private set; }

    public TensorView HeadScales { get; private set; }

    public TensorView DocumentsQ { get; private set; }

    public TensorView DocumentsKv { get; private set; }

    public TensorView BlockMask { get; private set; }

    public TensorView RuleFloats { get; private set; }

    public TensorView RuleInts { get; private set; }

    /// <summary>Draws the data for <paramref name="problem"/> and uploads it.</summary>
    public static ScoreData Create(AttentionDevice device, ScoreProblem problem, CaseOptions options, Seeded random)
    {
        ScoreData data = new(Draw(problem, options, random));
        data.KeyLengths = data.Place(device, data.Rule.KeyLengths);
        data.AlibiSlopes = data.Place(device, data.Rule.AlibiSlopes);
        data.Mask = data.Place(device, data.Rule.Mask);
        data.Bias = data.Place(device, data.Rule.Bias);
        data.Sinks = data.Place(device, data.Rule.Sinks);
        data.HeadScales = data.Place(device, data.Rule.HeadScales);
        data.DocumentsQ = data.Place(device, data.Rule.DocumentsQ);
        data.DocumentsKv = data.Place(device, data.Rule.DocumentsKv);
        data.BlockMask = data.Place(device, data.Rule.BlockMask);
        data.RuleFloats = data.Place(device, data.Rule.Modifier?.Floats);
        data.RuleInts = data.Place(device, data.Rule.Modifier?.Ints);
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
            Modifier = CasePlan.Draw(problem, options.Modifier, random),
        };
        if (problem.KeyLengths)
        {
            float[] lengths = new float[batch];
            double longest = Math.Min(problem.MaxKeyLength, 3.0 * keys);
            for (int b = 0; b < batch; b++)
                lengths[b] = options.Lengths?[b] ?? (options.EmptyBatch && b == batch - 1 ? 0 : 1 + (int)(random.Uniform(20, b) * longest));
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
        if (problem.Sinks)
        {
            HostTensor sinks = random.Normals(24, DType.Float32, 2, heads);
            if (heads > 2) sinks.Values[2] = float.NegativeInfinity;
            rule = rule with { Sinks = sinks };
        }
        if (problem.HeadScales)
        {
            float[] scales = [.. Enumerable.Range(0, heads).Select(h => (h % 4 == 1 ? -1 : 1) * (0.5f + (float)random.Uniform(25, h)))];
            rule = rule with { HeadScales = new HostTensor(DType.Float32, scales, heads) };
        }
        if (problem.Documents)
        {
            int rows = options.SharedDocuments ? 1 : batch;
            rule = rule with
            {
                DocumentsQ = Documents(random, 26, rows, queries, options),
                DocumentsKv = Documents(random, 27, rows, keys, options),
            };
        }
        if (problem.Blocks is not { } blocks) return rule;
        int[] size = Size(
            options.BlockAxes | Axes4.Queries | Axes4.Keys, batch, heads, blocks.QueryBlocks(queries), blocks.KeyBlocks(keys));
        return rule with
        {
            BlockMask = random.Booleans(28, 0.6, size),
            QueryBlock = blocks.QueryBlock,
            KeyBlock = blocks.KeyBlock,
        };
    }

    /// <summary>
    /// Ids -1 .. 2 one after the other at places of each row's own; where mixed, every seventh is anywhere, or of no other tensor.
    /// </summary>
    private static HostTensor Documents(Seeded random, int stream, int rows, int count, CaseOptions options)
    {
        float[] ids = new float[rows * count];
        for (int n = 0; n < ids.Length; n++)
        {
            ids[n] = (float)Math.Floor((4.0 * (n % count) / count) + (0.5 * random.Uniform(26, n / count))) - 1;
            if (options.MixedDocuments && n % 7 == 3) ids[n] = stream + (float)Math.Floor(8 * random.Uniform(stream, n)) - 28;
        }
        return new HostTensor(DType.Int32, ids, rows, count);
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
