namespace AttnKernels.Verification;

/// <summary>Attention in which every key is told apart: as many query rows as classes of keys, and the few rows of decoding.</summary>
internal static class TracedCases
{
    public static IEnumerable<VerificationCase> Of(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        foreach (DType type in (DType[])[DType.Float32, DType.Float16, DType.BFloat16])
        {
            AttentionProblem many = new()
            {
                Type = type, Batch = 1, HeadsQ = 1,
                SeqQ = isTiny ? 40 : 64, SeqKv = isTiny ? 330 : 16384, HeadDim = isTiny ? 16 : 64,
            };
            AttentionProblem few = many with
            {
                HeadsQ = 8,
                HeadsKv = 1,
                SeqQ = 1,
                SeqKv = isTiny ? 530 : 16384,
                HeadDim = 8,
                HeadDimV = isTiny ? 40 : 128,
            };
            yield return Case(many);
            yield return Case(many with { Causal = CausalMask.BottomRight, Softcap = 30 });
            yield return Case(AttentionCases.Paged(many, 16));
            yield return Case(few);
            yield return Case(AttentionCases.Paged(few with { KvType = DType.Int8 }, 16));
            if (!isTiny) yield return Case(few with { SeqQ = 8, HeadDim = 64 });
        }

        AttentionCase Case(AttentionProblem problem)
        {
            CaseOptions options = new() { Traced = true };
            return new AttentionCase(problem, options, CaseNames.Of(problem, options), size);
        }
    }
}
