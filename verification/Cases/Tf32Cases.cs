namespace AttnKernels.Verification;

/// <summary>
/// fp32 products and attention that may multiply as TF32, attention in three parts: every tile, source of keys and kind of score, and what
/// its fragments and rows of 32-bit elements are sensitive to. Devices without tensor cores run them with their kernels for fp32.
/// </summary>
internal static class Tf32Cases
{
    /// <summary>
    /// Products in both precisions: each tile in each layout, rows that are copied in chunks and rows that are not, more steps of K than
    /// stages, and K that cuts a step and a chunk.
    /// </summary>
    public static IEnumerable<VerificationCase> Matmuls(CaseSize size)
    {
        int times = size == CaseSize.Tiny ? 1 : 5;
        foreach (InputPrecision precision in (InputPrecision[])[InputPrecision.Tf32x3, InputPrecision.Tf32])
        {
            MatmulProblem p = new() { InputPrecision = precision, M = 40 * times, N = 56 * times, K = 108 * times };
            MatmulProblem wide = p with { M = 120 * times, N = 68 * times };
            for (int layout = 0; layout < 4; layout++)
            {
                MatmulProblem laid = p with { TransposeA = (layout & 1) != 0, TransposeB = (layout & 2) != 0 };
                yield return Case(laid);
                yield return Case(laid with { M = wide.M, N = wide.N, Parts = layout / 2 * 2 });
                yield return Case(laid with { M = 37, N = 27, K = 45 * times });
            }
            yield return Case(p with { K = 45 }, Placement.OddLines);
            yield return Case(p with { K = 45, TransposeA = true, TransposeB = true }, Placement.ColumnMajor);
            yield return Case(p with
            {
                M = 16,
                N = 16,
                K = 16 * times,
                Bias = true,
                Beta = -1.5f,
                Alpha = 0.5f,
                Batch0 = 2,
                Batch1 = 4,
                GroupB = 2,
            });
            yield return Case(p with { K = 300 * times, Parts = 3, Activation = Activation.Gelu, Bias = true, TransposeB = true });
            yield return Case(p with { K = 20, TransposeA = true }, isNaN: true);
            yield return Case(p with { M = 5 });
        }

        MatmulCase Case(MatmulProblem problem, Placement? placement = null, bool isNaN = false)
        {
            CaseOptions options = new() { Placement = placement ?? Placement.Dense, VisibleNaN = isNaN };
            string name = CaseNames.Of(problem, options.Placement, options.Placement) + (isNaN ? " visible-nan" : "");
            return new MatmulCase(problem, options, name, size);
        }
    }

    public static IEnumerable<VerificationCase> Of(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        AttentionProblem p = new()
        {
            InputPrecision = InputPrecision.Tf32x3, Batch = 1, HeadsQ = 2, HeadsKv = 1,
            SeqQ = isTiny ? 21 : 150, SeqKv = isTiny ? 70 : 601, HeadDim = 40, Lse = true,
        };
        AttentionProblem tall = p with { SeqQ = isTiny ? 70 : 513, HeadsQ = 1, HeadDim = 64 }, wide = p with { HeadDim = 128 };
        AttentionProblem sequences = p with { Batch = 4, Packed = new PackedSequences(3 * p.SeqQ, 3 * p.SeqKv) };

        // Whole tiles of keys between those that window and diagonal cut, maxima that rise, rows and columns past the last.
        yield return Case(
            tall with { SeqQ = isTiny ? 130 : 501, SeqKv = isTiny ? 200 : 513, Causal = CausalMask.BottomRight, WindowLeft = 100 });
        yield return Case(p with { SeqKv = 150, Causal = CausalMask.BottomRight, WindowLeft = 100, HeadDimV = 23 });
        yield return Case(wide with { SeqKv = 150, HeadDim = 100 }, new CaseOptions { Logits = 50 });
        yield return Case(tall with { HeadDim = 36, HeadDimV = 44 });
        yield return Case(p with { HeadDim = 37, HeadDimV = 7 });
        yield return Case(wide, new CaseOptions { Placement = Placement.OddLines });
        yield return Case(wide with { SeqQ = isTiny ? 65 : 129, SeqKv = 65, HeadsQ = 1 },
            new CaseOptions { Placement = Placement.SequenceFirst });
        yield return Case(p with { Causal = CausalMask.TopLeft, WindowLeft = 9, SeqQ = 33 }, new CaseOptions { VisibleNaN = true });
        yield return Case(p with { HeadDim = 64, SeqKv = 100 }, new CaseOptions { Traced = true });
        yield return Case(p with { Batch = 2, KeyLengths = true }, new CaseOptions { EmptyBatch = true });
        yield return Case(p with { Batch = 2, Weights = true });

        // Scores that are looked up, tiles that are hidden whole.
        yield return Case(tall with { SeqKv = 100, Documents = true, Sinks = true });
        yield return Case(tall with { SeqKv = 100, Mask = true, WindowLeft = 9, Causal = CausalMask.TopLeft },
            new CaseOptions { VisibleNaN = true });
        yield return Case(wide with { SeqKv = 100, Blocks = new BlockSparsity(70, 27), Softcap = 9, HeadScales = true });
        yield return Case(p with { Bias = true, Alibi = true, Alignment = BandAlignment.BottomRight },
            new CaseOptions { InfiniteBias = true });
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
