namespace AttnKernels.Onnx;

/// <summary>The inputs of ONNX Attention, checked, with the cache joined and the mask as long as the keys.</summary>
internal sealed record OnnxAttentionInputs
{
    public required OnnxTensor Q { get; init; }

    /// <summary>All keys: the past ones, then the new ones.</summary>
    public required OnnxTensor K { get; init; }

    public required OnnxTensor V { get; init; }

    /// <summary>Bool or floating-point, up to rank 4, or null.</summary>
    public OnnxTensor? Mask { get; init; }

    public int[]? KeyLengths { get; init; }

    public int PastLength { get; init; }

    public required OnnxTensor PresentKey { get; init; }

    public required OnnxTensor PresentValue { get; init; }

    public required int HeadsQ { get; init; }

    public required int HeadsKv { get; init; }

    public OnnxType Type => Q.Type;

    public int Batch => Q.Shape[0];

    public int SeqQ => Q.Rank == 4 ? Q.Shape[2] : Q.Shape[1];

    public int SeqKv => PresentKey.Shape[2];

    public int HeadDim => PresentKey.Shape[3];

    public int HeadDimV => PresentValue.Shape[3];

    public int[] OutputShape => Q.Rank == 4 ? [Batch, HeadsQ, SeqQ, HeadDimV] : [Batch, SeqQ, HeadsQ * HeadDimV];

    public static OnnxAttentionInputs Read(OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor q = inputs[0]!, k = inputs[1]!, v = inputs[2]!;
        OnnxTensor? pastKey = Optional(inputs, 4), pastValue = Optional(inputs, 5), lengths = Optional(inputs, 6);
        if (q.Rank is not (3 or 4) || k.Rank != q.Rank || v.Rank != q.Rank)
            throw new ArgumentException($"Q, K and V must all have rank 3 or all rank 4; they have {q.Rank}, {k.Rank} and {v.Rank}.");
        if (k.Type != q.Type || v.Type != q.Type)
            throw new NotSupportedException($"Q, K and V of different types ({q.Type}, {k.Type}, {v.Type}); one type for all is built.");
        if ((pastKey is null) != (pastValue is null)) throw new ArgumentException("past_key and past_value come together.");
        if (pastKey is not null && lengths is not null) throw new ArgumentException("nonpad_kv_seqlen excludes past_key.");

        (int headsQ, int headsKv) = q.Rank == 4
            ? (q.Shape[1], k.Shape[1])
            : ((int)node.Integer("q_num_heads", 0), (int)node.Integer("kv_num_heads", 0));
        if (headsQ < 1 || headsKv < 1) throw new ArgumentException("Inputs of rank 3 need q_num_heads and kv_num_heads.");

        OnnxTensor presentKey = Join(pastKey, FourAxes(k, headsKv)), presentValue = Join(pastValue, FourAxes(v, headsKv));
        return new OnnxAttentionInputs
        {
            Q = q,
            K = pastKey is null ? k : presentKey,
            V = pastValue is null ? v : presentValue,
            Mask = Optional(inputs, 3) is { } mask ? Pad(mask, presentKey.Shape[2]) : null,
            KeyLengths = lengths is null ? null : Array.ConvertAll(lengths.ToInt64s(), length => checked((int)length)),
            PastLength = pastKey?.Shape[2] ?? 0,
            PresentKey = presentKey,
            PresentValue = presentValue,
            HeadsQ = headsQ,
            HeadsKv = headsKv,
        };
    }

    private static OnnxTensor? Optional(IReadOnlyList<OnnxTensor?> inputs, int index) => index < inputs.Count ? inputs[index] : null;

    /// <summary>(batch, heads, seq, dim) of (batch, seq, heads * dim).</summary>
    private static OnnxTensor FourAxes(OnnxTensor tensor, int heads) => tensor.Rank == 4
        ? tensor
        : tensor.Reshape(tensor.Shape[0], tensor.Shape[1], heads, tensor.Shape[2] / heads).Permute(0, 2, 1, 3);

    /// <summary>The past followed by the present along the third axis.</summary>
    private static OnnxTensor Join(OnnxTensor? past, OnnxTensor present)
    {
        if (past is null) return present;
        int outer = present.Shape[0] * present.Shape[1];
        int pastLine = past.Data.Length / outer, presentLine = present.Data.Length / outer;
        byte[] data = new byte[past.Data.Length + present.Data.Length];
        for (int n = 0; n < outer; n++)
        {
            past.Data.AsSpan(n * pastLine, pastLine).CopyTo(data.AsSpan(n * (pastLine + presentLine)));
            present.Data.AsSpan(n * presentLine, presentLine).CopyTo(data.AsSpan((n * (pastLine + presentLine)) + pastLine));
        }
        return new OnnxTensor(present.Type, [past.Shape[0], past.Shape[1], past.Shape[2] + present.Shape[2], past.Shape[3]], data);
    }

    /// <summary>The mask with its last axis filled up to <paramref name="keys"/> with what hides: false, or -inf.</summary>
    private static OnnxTensor Pad(OnnxTensor mask, int keys)
    {
        if (mask.Rank is < 1 or > 4) throw new ArgumentException($"attn_mask has {mask.Rank} axes, not 1 to 4.");
        int length = mask.Shape[^1];
        if (length > keys) throw new ArgumentException($"attn_mask has {length} columns for {keys} keys.");
        bool isBool = mask.Type == OnnxType.Bool;
        OnnxType type = isBool || mask.Type is OnnxType.Float16 or OnnxType.BFloat16 ? mask.Type : OnnxType.Float;
        if (length == keys && type == mask.Type) return mask;

        float[] values = mask.ToFloats();
        float[] padded = new float[values.Length / length * keys];
        Array.Fill(padded, isBool ? 0 : float.NegativeInfinity);
        for (int line = 0; line < values.Length / length; line++)
            values.AsSpan(line * length, length).CopyTo(padded.AsSpan(line * keys));
        int[] shape = [.. mask.Shape[..^1], keys];
        return isBool ? new OnnxTensor(type, shape, Array.ConvertAll(padded, x => (byte)x)) : OnnxTensor.FromFloats(type, padded, shape);
    }
}
