using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>
/// The operators with which ONNX Runtime can compute an attention problem: the standard Attention (opset 23), the contributed
/// MultiHeadAttention and GroupQueryAttention, and the decomposed MatMul, Softmax, MatMul.
/// </summary>
internal static class OrtAttentionForms
{
    /// <summary>The forms that support <paramref name="p"/>, by name.</summary>
    public static IEnumerable<(string Name, Func<AttentionInput, OrtGraph> Build)> For(AttentionProblem p)
    {
        if (p.Alibi) yield break;
        bool square = p.SeqQ == p.SeqKv;
        bool causal = p.Causal.Alignment is not null && p.SeqQ > 1;
        if (causal && !square) yield break;
        bool window = p.WindowLeft is not null || p.WindowRight is not null;
        bool grouped = p.HeadsQ != p.HeadsKv;
        bool plain = !window && !p.Mask && !p.Bias && !p.KeyLengths && p.Softcap == 0;

        yield return ("attention", input => Attention(p, input, causal));
        if (!grouped && !window && !p.Mask && p.Softcap == 0) yield return ("mha", input => MultiHead(p, input, causal));
        if (causal && !p.Mask && !p.Bias && !p.KeyLengths) yield return ("gqa", input => GroupQuery(p, input));
        if (p.SeqQ == 1 && plain) yield return ("gqa", input => GroupQueryDecode(p, input));
        if (plain && !causal && !grouped) yield return ("decomposed", input => Decomposed(p, input));
    }

    private static OrtGraph Attention(AttentionProblem p, AttentionInput input, bool causal)
    {
        List<OrtTensor> inputs = Heads(p, input);
        bool byMask = p.WindowLeft is not null || p.WindowRight is not null || p.KeyLengths || p.Mask;
        if (byMask) inputs.Add(OrtTensor.Booleans("mask", [.. VisibleKeys.Of(p, input).Values.Select(v => (byte)v)], p.SeqQ, p.SeqKv));
        else if (input.Bias is { } bias) inputs.Add(OrtTensor.Floats("mask", bias.Values, p.SeqQ, p.SeqKv));
        var attributes = new List<(string, object)> { ("scale", p.EffectiveScale) };
        if (causal && !byMask) attributes.Add(("is_causal", 1));
        if (p.Softcap > 0) attributes.Add(("softcap", p.Softcap));
        return OrtGraph.Of(
            m => m.Node("Attention", inputs.Count == 4 ? "q k v mask" : "q k v", "o", false, [.. attributes]),
            [.. inputs],
            [OrtTensor.Zeros("o", p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV)]);
    }

    private static OrtGraph MultiHead(AttentionProblem p, AttentionInput input, bool causal)
    {
        List<OrtTensor> inputs = Sequences(p, input);
        string names = "q k v";
        if (input.KeyLengths is { } lengths)
        {
            inputs.Add(OrtTensor.Integers("lengths", Integers(lengths.Values), p.Batch));
            names = "q k v - lengths";
        }
        if (input.Bias is { } bias)
        {
            inputs.Add(OrtTensor.Floats("bias", bias.Values, 1, 1, p.SeqQ, p.SeqKv));
            names += names.EndsWith("lengths", StringComparison.Ordinal) ? " bias" : " - - bias";
        }
        return OrtGraph.Of(
            m => m.Node("MultiHeadAttention", names, "o", true,
                ("num_heads", p.HeadsQ), ("scale", p.EffectiveScale), ("unidirectional", causal ? 1 : 0)),
            [.. inputs],
            [OrtTensor.Zeros("o", p.Batch, p.SeqQ, p.HeadsQ * p.HeadDimV)],
            values => SequenceLayout.ToHeads(values, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV));
    }

    /// <summary>A prompt: no past, the whole sequence at once.</summary>
    private static OrtGraph GroupQuery(AttentionProblem p, AttentionInput input)
    {
        List<OrtTensor> inputs = Sequences(p, input);
        OrtTensor keys = OrtTensor.Zeros("pastK", p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim);
        OrtTensor values = OrtTensor.Zeros("pastV", p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV);
        return GroupQuery(p, [.. inputs, keys, values, .. Totals(p)], keys, values);
    }

    /// <summary>One token: it is appended in place to a cache that holds the other keys, as a decoder does.</summary>
    private static OrtGraph GroupQueryDecode(AttentionProblem p, AttentionInput input)
    {
        OrtTensor keys = OrtTensor.Floats("pastK", input.K.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim);
        OrtTensor values = OrtTensor.Floats("pastV", input.V.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV);
        return GroupQuery(p,
            [
                OrtTensor.Floats("q", input.Q.Values, p.Batch, 1, p.HeadsQ * p.HeadDim),
                LastRows("k", input.K.Values, p, p.HeadDim),
                LastRows("v", input.V.Values, p, p.HeadDimV),
                keys, values, .. Totals(p),
            ], keys, values);
    }

    private static OrtGraph GroupQuery(AttentionProblem p, OrtTensor[] inputs, OrtTensor keys, OrtTensor values) => OrtGraph.Of(
        m => m.Node("GroupQueryAttention", "q k v pastK pastV last total", "o presentK presentV", true,
            ("num_heads", p.HeadsQ), ("kv_num_heads", p.HeadsKv), ("scale", p.EffectiveScale), ("softcap", p.Softcap),
            ("local_window_size", p.WindowLeft is { } left ? left + 1 : -1)),
        inputs,
        [OrtTensor.Zeros("o", p.Batch, p.SeqQ, p.HeadsQ * p.HeadDimV), keys.Alias("presentK"), values.Alias("presentV")],
        output => SequenceLayout.ToHeads(output, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV));

    private static OrtGraph Decomposed(AttentionProblem p, AttentionInput input) => OrtGraph.Of(
        m => m.Constant("scale", p.EffectiveScale)
            .Node("Transpose", "k", "kt", false, ("perm", new[] { 0, 1, 3, 2 }))
            .Node("MatMul", "q kt", "s")
            .Node("Mul", "s scale", "scaled")
            .Node("Softmax", "scaled", "p", false, ("axis", -1))
            .Node("MatMul", "p v", "o"),
        [.. Heads(p, input)],
        [OrtTensor.Zeros("o", p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV)]);

    private static List<OrtTensor> Heads(AttentionProblem p, AttentionInput input) =>
    [
        OrtTensor.Floats("q", input.Q.Values, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim),
        OrtTensor.Floats("k", input.K.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim),
        OrtTensor.Floats("v", input.V.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV),
    ];

    private static List<OrtTensor> Sequences(AttentionProblem p, AttentionInput input) =>
    [
        Sequence("q", input.Q.Values, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim),
        Sequence("k", input.K.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim),
        Sequence("v", input.V.Values, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV),
    ];

    private static OrtTensor Sequence(string name, float[] values, int batch, int heads, int seq, int dim) =>
        OrtTensor.Floats(name, SequenceLayout.FromHeads(values, batch, heads, seq, dim), batch, seq, heads * dim);

    /// <summary>The inputs that say how long the sequence is: the last valid position of every entry, and the total.</summary>
    private static OrtTensor[] Totals(AttentionProblem p) =>
    [
        OrtTensor.Integers("last", Enumerable.Repeat(p.SeqKv - 1, p.Batch).ToArray(), p.Batch),
        OrtTensor.Integers("total", [p.SeqKv]),
    ];

    private static int[] Integers(float[] values) => [.. values.Select(v => (int)v)];

    /// <summary>The last row of every key head: (batch, 1, headsKv * dim).</summary>
    private static OrtTensor LastRows(string name, float[] values, AttentionProblem p, int dim)
    {
        var rows = new float[p.Batch * p.HeadsKv * dim];
        for (int h = 0; h < p.Batch * p.HeadsKv; h++)
            values.AsSpan((h * p.SeqKv + p.SeqKv - 1) * dim, dim).CopyTo(rows.AsSpan(h * dim));
        return OrtTensor.Floats(name, rows, p.Batch, 1, p.HeadsKv * dim);
    }
}
