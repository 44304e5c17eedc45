namespace AttnKernels.Onnx;

/// <summary>The sizes of an Attention node, read from its shapes and checked against each other.</summary>
internal sealed record OnnxAttentionSizes
{
    public required int Batch { get; init; }

    public required int HeadsQ { get; init; }

    public required int HeadsKv { get; init; }

    public required int SeqQ { get; init; }

    /// <summary>Rows of K: the new keys.</summary>
    public required int NewKeys { get; init; }

    public required int PastLength { get; init; }

    public required int HeadDim { get; init; }

    public required int HeadDimV { get; init; }

    /// <summary>Keys that attn_mask covers: the others are hidden.</summary>
    public required int VisibleKeys { get; init; }

    public required bool HasPresent { get; init; }

    public int SeqKv => PastLength + NewKeys;

    public static OnnxAttentionSizes Of(OnnxAttentionAttributes a, OnnxAttentionShapes s)
    {
        int rank = s.Q.Count;
        if (rank is not (3 or 4) || s.K.Count != rank || s.V.Count != rank)
            throw new ArgumentException($"Q, K and V must all have rank 3 or all rank 4; they have {rank}, {s.K.Count} and {s.V.Count}.");
        if (s.PastLength is not null && s.NonpadKvSeqlen) throw new ArgumentException("nonpad_kv_seqlen excludes past_key.");
        (int headsQ, int headsKv) = rank == 4 ? (s.Q[1], s.K[1]) : (a.QNumHeads, a.KvNumHeads);
        if (headsQ < 1 || headsKv < 1) throw new ArgumentException("Inputs of rank 3 need q_num_heads and kv_num_heads.");
        (int seqQ, int headDim) = SeqAndDim("Q", s.Q, headsQ);
        (int newKeys, int headDimK) = SeqAndDim("K", s.K, headsKv);
        (int newValues, int headDimV) = SeqAndDim("V", s.V, headsKv);
        if (headDimK != headDim || newValues != newKeys || s.K[0] != s.Q[0] || s.V[0] != s.Q[0] || (rank == 4 && s.V[1] != headsKv))
            throw new ArgumentException($"Q, K and V do not fit: {Describe(s.Q)}, {Describe(s.K)} and {Describe(s.V)}.");
        int past = s.PastLength ?? 0;
        if (past < 0 || past > ScoreProblem.MaxRows - newKeys)
        {
            throw new ArgumentException(
                $"PastLength must be between 0 and {ScoreProblem.MaxRows - newKeys} ({ScoreProblem.MaxRows} keys in all), is {past}.");
        }
        int keys = past + newKeys, visible = s.Mask is { Count: > 0 } mask ? mask[^1] : keys;
        if (s.Mask is not null) CheckMask(s.Mask, keys, [s.Q[0], headsQ, seqQ]);
        return new OnnxAttentionSizes
        {
            Batch = s.Q[0],
            HeadsQ = headsQ,
            HeadsKv = headsKv,
            SeqQ = seqQ,
            NewKeys = newKeys,
            PastLength = past,
            HeadDim = headDim,
            HeadDimV = headDimV,
            VisibleKeys = visible,
            HasPresent = s.Present || s.PastLength is not null,
        };
    }

    public AttentionProblem Problem(OnnxAttentionAttributes a, OnnxAttentionShapes s) => new()
    {
        Type = s.Type,
        Batch = Batch,
        HeadsQ = HeadsQ,
        HeadsKv = HeadsKv,
        SeqQ = SeqQ,
        SeqKv = VisibleKeys,
        HeadDim = HeadDim,
        HeadDimV = HeadDimV,
        Scale = a.Scale,
        Softcap = a.Softcap,
        Causal = !a.IsCausal ? CausalMask.None : s.NonpadKvSeqlen ? CausalMask.BottomRight : CausalMask.At(PastLength),
        Alignment = s.NonpadKvSeqlen ? BandAlignment.BottomRight : BandAlignment.At(PastLength),
        WindowLeft = Window("left_window_size", a.LeftWindowSize),
        WindowRight = Window("right_window_size", a.RightWindowSize),
        KeyLengths = s.NonpadKvSeqlen,
        Mask = s.Mask is not null && s.MaskType == DType.Bool,
        Bias = s.Mask is not null && s.MaskType != DType.Bool,
        BiasType = s.MaskType == DType.Bool ? DType.Float32 : s.MaskType,
    };

    private static (int Seq, int Dim) SeqAndDim(string name, IReadOnlyList<int> shape, int heads)
    {
        if (shape.Count == 4) return (shape[2], shape[3]);
        return shape[2] % heads == 0
            ? (shape[1], shape[2] / heads)
            : throw new ArgumentException($"{name}: {heads} heads do not divide a hidden size of {shape[2]}.");
    }

    /// <summary>Refuses a mask that does not broadcast to (batch, heads, seq, keys), the last axis apart.</summary>
    private static void CheckMask(IReadOnlyList<int> mask, int keys, ReadOnlySpan<int> rows)
    {
        if (mask.Count is < 1 or > 4) throw new ArgumentException($"attn_mask has {mask.Count} axes, not 1 to 4.");
        if (mask[^1] < 1 || mask[^1] > keys) throw new ArgumentException($"attn_mask has {mask[^1]} columns for {keys} keys.");
        for (int axis = 0; axis < mask.Count - 1; axis++)
        {
            int full = rows[axis + 4 - mask.Count];
            if (mask[axis] != 1 && mask[axis] != full)
                throw new ArgumentException($"attn_mask {Describe(mask)}: axis {axis} must be 1 or {full}.");
        }
    }

    private static int? Window(string name, int size) =>
        size < -1 ? throw new ArgumentException($"{name} must be -1 or not negative, is {size}.") : size < 0 ? null : size;

    private static string Describe(IReadOnlyList<int> shape) => $"[{string.Join(',', shape)}]";
}
