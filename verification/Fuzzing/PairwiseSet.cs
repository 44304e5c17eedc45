namespace AttnKernels.Verification;

/// <summary>
/// Attention at scale: every value of every attribute with every value of every other, at lengths 1 to 1,025 and head dims 1 to 256, for
/// each storage type. The problems are those of the fuzzer, so a failure is replayed with <c>attn fuzz --replay</c>.
/// </summary>
public static class PairwiseSet
{
    /// <summary>Multiplications of one problem's reference; where there are more, a part of the rows is checked.</summary>
    private const double Budget = 40e6;

    private static readonly string[] Sizes = ["1", "2", "7", "16", "17", "64", "65", "128", "129", "501", "1025"];

    /// <summary>What stands together on one line is chosen as one; a choice that another makes meaningless is left out.</summary>
    private static readonly string[][] Factors =
    [
        [.. Sizes.Select(n => $"seqQ={n}")],
        [.. Sizes.Select(n => $"seqKv={n}")],
        [.. new[] { 1, 2, 8, 15, 40, 64, 80, 128, 256 }.Select(n => $"headDim={n}"), "headDim=64 otherDimV=yes headDimV=37"],
        ["", "batch=2", "batch=3"],
        ["", "headsKv=2", "group=4", "headsKv=2 group=7"],
        ["", "weights=yes"],
        ["", "logits=x10", "logits=x50", "scale=-0.5", "scale=0.01"],
        ["", "softcap=2", "softcap=30"],
        ["", "causal=TopLeft", "causal=BottomRight", "causal=At causalOffset=5", "causal=At causalOffset=-9", "align=BottomRight",
        "align=At alignOffset=3"],
        ["", "windowLeft=0", "windowLeft=20", "windowLeft=300"],
        ["", "windowRight=0", "windowRight=33"],
        ["", "keyLengths=yes", "keyLengths=yes emptyBatch=yes"],
        ["", .. new[] { "1111", "111k", "11qk", "1h1k", "b11k", "b1qk", "bhqk" }.Select(axes => $"mask=yes maskAxes={axes}")],
        ["", "bias=yes biasAxes=1hqk", "bias=yes biasAxes=bh1k biasType=Float16", "bias=yes biasAxes=11q1 biasType=BFloat16",
            "bias=yes biasAxes=bhqk infiniteBias=yes", "bias=yes biasAxes=111k infiniteBias=yes"],
        ["", "alibi=yes", "alibi=yes alibiPerBatch=yes"],
        ["", "sinks=yes"],
        ["", "headScales=yes"],
        ["", "documents=yes", "documents=yes sharedDocuments=yes", "documents=yes mixedDocuments=yes"],
        ["", "blocks=yes queryBlock=64 keyBlock=64 blockAxes=bh11", "blocks=yes queryBlock=9 keyBlock=33",
        "blocks=yes queryBlock=300 keyBlock=5 blockAxes=1h11"],
        ["", "rule=TableBias", "rule=DilatedWindow", "rule=LogBias"],
        ["", "kvType=Float32", "kvType=Float16", "kvType=BFloat16", "kvType=Int8"],
        ["", "paged=yes blockShift=4", "paged=yes blockShift=0 spareBlocks=2", "ring=yes", "sequences=yes keysPacked=yes totalQ=9",
        "sequences=yes"],
        ["", "placement=bshd", "placement=bhsd+3", "packed=yes"],
        ["", "visibleNaN=yes", "traced=yes"],
        ["", "lse=yes"],
    ];

    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    /// <summary>All problems: for each storage type, <paramref name="arrays"/> sets that cover every pair.</summary>
    public static IEnumerable<FuzzProblem> Problems(int arrays = 3)
    {
        int[] sizes = [.. Factors.Select(values => values.Length)];
        for (int array = 0; array < arrays; array++)
            foreach (DType type in Types)
            {
                ulong seed = Seeded.SeedOf($"pairs {array} {type}");
                int data = array;
                foreach (int[] row in CoveringArray.Pairs(sizes, seed))
                {
                    string choices = string.Join(' ', row.Select((value, factor) => Factors[factor][value]));
                    yield return FuzzProblem.Of("attention", $"type={type} data={data++} {choices}", Budget);
                }
            }
    }
}
