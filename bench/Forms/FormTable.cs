using AttnKernels.Verification;

namespace AttnKernels.Bench.Forms;

/// <summary>A form of fused attention.</summary>
/// <param name="Name">As printed.</param>
/// <param name="Problem">At the given number of keys.</param>
/// <param name="Options">What its data looks like at that number.</param>
internal sealed record Form(string Name, Func<int, AttentionProblem> Problem, Func<int, CaseOptions> Options);

/// <summary>What <see cref="FormsRun"/> measures.</summary>
internal static class FormTable
{
    /// <summary>Lengths of a packed batch: 3,072 tokens where the padded form has 8 x 1,024.</summary>
    public static readonly IReadOnlyList<int> Lengths = [1024, 96, 512, 160, 320, 768, 64, 128];

    /// <summary>Every form that may have a path of its own through the kernels, few queries over many keys.</summary>
    public static IEnumerable<Form> OverKeys()
    {
        yield return Of("plain", p => p);
        yield return Of("softcap", p => p with { Softcap = 30 });
        yield return Of("bias", p => p with { Bias = true }, _ => new CaseOptions { BiasAxes = Axes4.Queries | Axes4.Keys });
        yield return Of("boolean mask", p => p with { Mask = true }, _ => new CaseOptions { MaskAxes = Axes4.Queries | Axes4.Keys });
        yield return Of("ALiBi", p => p with { Alibi = true, Alignment = BandAlignment.BottomRight });
        yield return Of("sinks, head scales", p => p with { Sinks = true, HeadScales = true });
        yield return Of("cosine", p => p with { Similarity = Similarity.Cosine });
        yield return Of("rotary", p => p with { Rotary = new RotaryForm(p.HeadDim, p.SeqKv) });
        yield return Of("fp16 keys", p => p with { KvType = DType.Float16 });
        yield return Of("int8 keys", p => p with { KvType = DType.Int8 });
        yield return Of("paged", p => p with { Kv = KvLayout.Paged(16, (p.SeqKv / 16) + 1) });
        yield return Of("ring", p => p with { Kv = KvLayout.Ring, KeyLengths = true }, keys => new CaseOptions { Lengths = [keys + 5] });
        yield return Of("packed", p => p with { Packed = new PackedSequences(p.SeqQ, p.SeqKv) });
        yield return Of("one query", p => p with { SeqQ = 1 });
        yield return Of("one query, int8, paged",
            p => p with { SeqQ = 1, KvType = DType.Int8, Kv = KvLayout.Paged(16, (p.SeqKv / 16) + 1) });
    }

    /// <summary>The same batch packed, padded with key lengths, and padded without any.</summary>
    public static IEnumerable<(Form Form, long Pairs)> Batches(bool causal)
    {
        int longest = Lengths.Max(), total = Lengths.Sum();
        long square = (long)longest * longest;
        AttentionProblem padded = new()
        {
            Batch = Lengths.Count,
            HeadsQ = 8,
            SeqQ = longest,
            SeqKv = longest,
            HeadDim = 64,
            Causal = causal ? CausalMask.TopLeft : CausalMask.None,
        };
        string suffix = causal ? ", causal" : "";
        yield return (new Form("packed" + suffix, _ => padded with { Packed = new PackedSequences(total, total) }, Options),
            Lengths.Sum(n => Pairs(n, n)));
        yield return (new Form("padded, key lengths" + suffix, _ => padded with { KeyLengths = true }, Options),
            Lengths.Sum(n => Pairs(longest, n)));
        yield return (new Form("padded" + suffix, _ => padded, Options), Lengths.Count * Pairs(longest, longest));

        CaseOptions Options(int keys) => new() { Lengths = Lengths };

        long Pairs(long queries, long keys) => causal ? (keys * (keys + 1) / 2) + ((queries - keys) * keys) : queries * keys;
    }

    private static Form Of(string name, Func<AttentionProblem, AttentionProblem> change, Func<int, CaseOptions>? options = null) => new(
        name,
        keys => change(new AttentionProblem { Batch = 1, HeadsQ = 8, HeadsKv = 2, SeqQ = 64, SeqKv = keys, HeadDim = 64 }),
        options ?? (_ => new CaseOptions()));
}
