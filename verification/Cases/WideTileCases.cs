namespace AttnKernels.Verification;

/// <summary>
/// Attention over more rows and keys than the wide tiles of FlashForward hold, the last tile cut both ways: every type, head size, source
/// of keys and kind of score. Devices with little shared memory run them with their own tiles.
/// </summary>
internal static class WideTileCases
{
    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in (DType[])[DType.Float32, DType.Float16, DType.BFloat16])
            foreach ((int dimension, int rows) in ((int, int)[])[(40, 70), (96, 70), (96, 20), (128, 70), (256, 37)])
            {
                AttentionProblem p = new()
                {
                    Type = type, HeadsQ = 2, HeadsKv = 1, Batch = 1, SeqQ = rows, SeqKv = 141,
                    HeadDim = dimension, HeadDimV = dimension - 3, Lse = true,
                };
                yield return Case(p with { Causal = CausalMask.BottomRight });
                yield return Case(p with { Sinks = true, Mask = true, WindowLeft = 65, Alignment = BandAlignment.BottomRight });
                yield return Case(
                    AttentionCases.Paged(p with { Alibi = true, KeyLengths = true, Alignment = BandAlignment.BottomRight }, 16));
                yield return Case(p with { Batch = 2, Packed = new PackedSequences(rows + 36, 141 + 35), Causal = CausalMask.TopLeft });
            }
    }

    /// <summary>
    /// Keys that tensor cores look up row by row, in whole tiles and cut ones: blocks of every size, rings that wrap, sequences, odd lines.
    /// </summary>
    public static IEnumerable<VerificationCase> LookedUp()
    {
        foreach (DType type in (DType[])[DType.Float16, DType.BFloat16])
        {
            AttentionProblem p = new()
            {
                Type = type, HeadsQ = 2, HeadsKv = 1, Batch = 2, SeqQ = 20, SeqKv = 270, HeadDim = 64, HeadDimV = 40, Lse = true,
            };
            AttentionProblem wide = p with { HeadDim = 128, HeadDimV = 128 };
            yield return Case(AttentionCases.Paged(p, 16));
            yield return Case(AttentionCases.Paged(p with { Batch = 1, SeqQ = 70, Causal = CausalMask.BottomRight, WindowLeft = 200 }, 32));
            yield return Case(AttentionCases.Paged(p with { Batch = 1, SeqQ = 70, KeyLengths = true, HeadDim = 96 }, 8));
            yield return Case(AttentionCases.Paged(wide with { Batch = 1, SeqQ = 70, KeyLengths = true }, 8));
            yield return Case(AttentionCases.Paged(p with { HeadDim = 96, HeadDimV = 80 }, 16));
            yield return Case(AttentionCases.Paged(wide with { KeyLengths = true, Causal = CausalMask.BottomRight }, 1));
            yield return Case(AttentionCases.Paged(p with { Batch = 1, HeadDim = 192, SeqKv = 150 }, 256));
            yield return Case(AttentionCases.Paged(p with { SeqKv = 100 }, 4), new CaseOptions { Placement = Placement.OddLines });
            yield return Case(AttentionCases.Paged(p with { SeqKv = 150, Softcap = 9, Sinks = true, KeyLengths = true }, 16),
                new CaseOptions { EmptyBatch = true });
            yield return Case(
                AttentionCases.Paged(wide with { Packed = new PackedSequences(33, null), KeyLengths = true, Documents = true }, 64));
            yield return Case(p with { Kv = KvLayout.Ring, KeyLengths = true });
            yield return Case(wide with { Packed = new PackedSequences(33, 400), Causal = CausalMask.BottomRight });
            yield return Case(wide with { Packed = new PackedSequences(33, 400), Alibi = true, Alignment = BandAlignment.BottomRight });
        }
    }

    private static AttentionCase Case(AttentionProblem problem, CaseOptions? given = null)
    {
        CaseOptions options = given ?? new CaseOptions();
        return new AttentionCase(problem, options, CaseNames.Of(problem, options), CaseSize.Tiny);
    }
}
