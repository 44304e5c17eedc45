namespace AttnKernels.Verification;

/// <summary>
/// fp32 attention that may multiply as TF32 in three parts: every tile, source of keys and kind of score, and what its fragments and
/// rows of 32-bit elements are sensitive to. Devices without tensor cores run them with their kernels for fp32.
/// </summary>
internal static class Tf32Cases
{
    public static IEnumerable<VerificationCase> Of(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        AttentionProblem p = new()
        {
            InputPrecision = InputPrecision.Tf32x3, Batch = 1, HeadsQ = 2, HeadsKv = 1, SeqQ = isTiny ? 21 : 150, SeqKv = isTiny ? 70 : 601, HeadDim = 40, Lse = true,
        };
        AttentionProblem tall = p with { SeqQ = isTiny ? 70 : 513, HeadsQ = 1, HeadDim = 64 }, wide = p with { HeadDim = 128 };
        AttentionProblem sequences = p with { Batch = 4, Packed = new PackedSequences(3 * p.SeqQ, 3 * p.SeqKv) };

        // Whole tiles of keys between those that window and diagonal cut, maxima that rise, rows and columns past the last.
        yield return Case(tall with { SeqQ = isTiny ? 130 : 501, SeqKv = isTiny ? 200 : 513, Causal = CausalMask.BottomRight, WindowLeft = 100 });
        yield return Case(p with { SeqKv = 150, Causal = CausalMask.BottomRight, WindowLeft = 100, HeadDimV = 23 });
        yield return Case(wide with { SeqKv = 150, HeadDim = 100 }, new CaseOptions { Logits = 50 });
        yield return Case(tall with { HeadDim = 36, HeadDimV = 44 });
        yield return Case(p with { HeadDim = 37, HeadDimV = 7 });
        yield return Case(wide, new CaseOptions { Placement = Placement.OddLines });
        yield return Case(wide with { SeqQ = isTiny ? 65 : 129, SeqKv = 65, HeadsQ = 1 }, new CaseOptions { Placement = Placement.SequenceFirst });
        yield return Case(p with { Causal = CausalMask.TopLeft, WindowLeft = 9, SeqQ = 33 }, new CaseOptions { VisibleNaN = true });
        yield return Case(p with { HeadDim = 64, SeqKv = 100 }, new CaseOptions { Traced = true });
        yield return Case(p with { Batch = 2, KeyLengths = true }, new CaseOptions { EmptyBatch = true });
        yield return Case(p with { Batch = 2, Weights = true });

        // Scores that are looked up, tiles that are hidden whole.
        yield return Case(tall with { SeqKv = 100, Documents = true, Sinks = true });
        yield return Case(tall with { SeqKv = 100, Mask = true, WindowLeft = 9, Causal = CausalMask.TopLeft }, new CaseOptions { VisibleNaN = true });
        yield return Case(wide with { SeqKv = 100, Blocks = new BlockSparsity(70, 27), Softcap = 9, HeadScales = true });
        yield return Case(p with { Bias = true, Alibi = true, Alignment = BandAlignment.BottomRight }, new CaseOptions { InfiniteBias = true });
        yield return Case(p with { SeqKv = 100 }, new CaseOptions { Modifier = CaseModifier.TableBias });

        // Packed sequences, blocks, rings; keys of another type, which are not multiplied as they are stored.
        yield return Case(sequences with { Causal = CausalMask.BottomRight });
        yield return Case(sequences with { Batch = 2, HeadDim = 72, Causal = CausalMask.TopLeft, WindowLeft = 9 });
        yield return Case(tall with { Batch = 2, Packed = new PackedSequences(tall.SeqQ + 20, 100 + p.SeqKv), SeqKv = 100 });
        foreach (AttentionProblem keys in (AttentionProblem[])[tall, p with { SeqKv = 150 }, wide])
        {
            yield return Case(AttentionCases.Paged(keys, 16));
            yield return Case(AttentionCases.Paged(keys with { KeyLengths = true, Softcap = 9, Sinks = true }, 8));
        }
        yield return Case(AttentionCases.Paged(p, 4), new CaseOptions { Placement = Placement.OddLines });
        yield return Case(p with { Batch = 2, Kv = KvLayout.Ring, KeyLengths = true, Causal = CausalMask.BottomRight });
        yield return Case(p with { KvType = DType.Float16 });

        AttentionCase Case(AttentionProblem problem, CaseOptions? given = null)
        {
            CaseOptions options = given ?? new CaseOptions();
            return new AttentionCase(problem, options, CaseNames.Of(problem, options), size);
        }
    }
}
