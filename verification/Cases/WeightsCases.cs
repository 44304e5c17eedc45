namespace AttnKernels.Verification;

/// <summary>
/// Weights of chosen rows after a fused run: every score form, every way to store keys, more keys than one work item or group has.
/// </summary>
internal static class WeightsCases
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    public static IEnumerable<VerificationCase> Tiny()
    {
        AttentionProblem small = new() { Batch = 2, HeadsQ = 4, HeadsKv = 2, SeqQ = 9, SeqKv = 21, HeadDim = 8, Lse = true };
        foreach ((AttentionProblem problem, CaseOptions options) in AttentionCases.Features(small))
            yield return Case(problem with { Lse = true }, options);
        foreach (DType type in Types)
        {
            AttentionProblem p = small with
            {
                Type = type,
                HeadsQ = 2,
                HeadsKv = 1,
                SeqQ = 17,
                SeqKv = 530,
                HeadDim = 41,
                KeyLengths = true,
                Causal = CausalMask.BottomRight,
            };
            yield return Case(p, new CaseOptions { EmptyBatch = true });
            yield return Case(p with { WindowLeft = 300, KvType = DType.Int8 }, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(AttentionCases.Paged(p with { KvType = DType.Float16, HeadDim = 64 }, 32), new CaseOptions { Logits = 50 });
            yield return Case(p with { Blocks = new BlockSparsity(1, 256), Documents = true }, new CaseOptions());
        }
    }

    private static AttentionCase Case(AttentionProblem problem, CaseOptions options)
    {
        CaseOptions chosen = options with { WeightRows = 5 };
        return new AttentionCase(problem, chosen, CaseNames.Of(problem, chosen), CaseSize.Tiny);
    }
}
