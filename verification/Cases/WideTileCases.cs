namespace AttnKernels.Verification;

/// <summary>
/// Attention over more rows and keys than the wide tiles of FlashForward hold, the last tile cut both ways: every type, head size, source of
/// keys and kind of score. Devices with little shared memory run them with their own tiles.
/// </summary>
internal static class WideTileCases
{
    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in (DType[])[DType.Float32, DType.Float16, DType.BFloat16])
            foreach ((int dimension, int rows) in ((int, int)[])[(40, 70), (128, 70), (256, 37)])
            {
                AttentionProblem p = new()
                {
                    Type = type, HeadsQ = 2, HeadsKv = 1, Batch = 1, SeqQ = rows, SeqKv = 141, HeadDim = dimension, HeadDimV = dimension - 3, Lse = true,
                };
                yield return Case(p with { Causal = CausalMask.BottomRight });
                yield return Case(p with { Sinks = true, Mask = true, WindowLeft = 65, Alignment = BandAlignment.BottomRight });
                yield return Case(AttentionCases.Paged(p with { Alibi = true, KeyLengths = true, Alignment = BandAlignment.BottomRight }, 16));
                yield return Case(p with { Batch = 2, Packed = new PackedSequences(rows + 36, 141 + 35), Causal = CausalMask.TopLeft });
            }
    }

    private static AttentionCase Case(AttentionProblem problem)
    {
        CaseOptions options = new();
        return new AttentionCase(problem, options, CaseNames.Of(problem, options), CaseSize.Tiny);
    }
}
