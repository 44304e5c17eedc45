namespace AttnKernels.Verification;

/// <summary>
/// Few queries of several heads that share keys, whose rows share tiles on tensor cores, and the same over keys that are split: every kind
/// of score, of mask and of keys beside them. Other devices run them in their own ways.
/// </summary>
internal static class SharedTileCases
{
    private static readonly CaseOptions Empty = new() { EmptyBatch = true };

    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in (DType[])[DType.Float16, DType.BFloat16])
            foreach (VerificationCase shared in Whole(type).Concat(Split(type)))
                yield return shared;

        // fp32 as TF32 in three parts has other columns of O in a lane, and twice the bytes in a row.
        AttentionProblem tf32 = Problem(DType.Float32, 1, 1, 4, 8, 600, 40) with { InputPrecision = InputPrecision.Tf32x3, Lse = true };
        yield return Case(tf32 with { HeadDimV = 21, Causal = CausalMask.BottomRight });
        yield return Case(tf32 with { HeadDim = 128, Sinks = true });
        yield return Case(tf32 with { HeadsQ = 8, SeqQ = 16, SeqKv = 1100, HeadDim = 64, HeadDimV = 64 });
        yield return Case(
            tf32 with { Batch = 2, SeqKv = 100, HeadsQ = 6, HeadsKv = 2, Alibi = true, Alignment = BandAlignment.BottomRight },
            new CaseOptions { Placement = Placement.SequenceFirst });
        yield return Case(tf32 with { SeqKv = 100, HeadDim = 37 }, new CaseOptions { Placement = Placement.OddLines });
    }

    private static IEnumerable<VerificationCase> Whole(DType type)
    {
        // Rows of one tile, cut and whole tiles of keys; of several; a tile that ends within the heads of a query.
        yield return Case(Problem(type, 2, 1, 8, 5, 150, 64) with { Causal = CausalMask.BottomRight, Lse = true });
        yield return Case(Problem(type, 1, 2, 4, 16, 150, 128) with { Causal = CausalMask.BottomRight, WindowLeft = 70, Lse = true });
        yield return Case(Problem(type, 1, 2, 2, 33, 100, 40) with { HeadDimV = 21, Lse = true });
        yield return Case(Problem(type, 1, 1, 3, 70, 141, 64) with { Causal = CausalMask.BottomRight, Lse = true });
        yield return Case(Problem(type, 1, 1, 5, 17, 70, 192) with { Causal = CausalMask.TopLeft, Lse = true });
        yield return Case(Problem(type, 1, 1, 71, 1, 40, 24) with { Sinks = true, Lse = true });
        // Terms of a head, of a query and of both.
        AttentionProblem terms = Problem(type, 2, 1, 5, 13, 70, 64) with { Alibi = true, Alignment = BandAlignment.BottomRight };
        yield return Case(terms with { Bias = true, Sinks = true, HeadScales = true, Lse = true },
            new CaseOptions { AlibiPerBatch = true });
        yield return Case(Problem(type, 2, 1, 4, 9, 100, 40) with { Blocks = new BlockSparsity(5, 32), Lse = true });
        yield return Case(Problem(type, 2, 1, 4, 9, 100, 128) with { Documents = true, Mask = true, KeyLengths = true }, Empty);
        yield return Case(Problem(type, 1, 2, 3, 7, 70, 24), new CaseOptions { Modifier = CaseModifier.LogBias });
        // Rows that lie apart, or at odd places; a NaN that some rows see.
        yield return Case(Problem(type, 2, 2, 3, 7, 70, 24), new CaseOptions { Placement = Placement.OddLines });
        yield return Case(Problem(type, 2, 1, 4, 9, 70, 64) with { KeyLengths = true, Lse = true },
            new CaseOptions { EmptyBatch = true, Placement = Placement.SequenceFirst });
        yield return Case(Problem(type, 1, 1, 3, 33, 70, 40) with { Causal = CausalMask.TopLeft, WindowLeft = 9, Lse = true },
            new CaseOptions { VisibleNaN = true });
        // Other sources of keys; sequences of which only the longest fills a tile.
        AttentionProblem other = Problem(type, 2, 2, 4, 9, 150, 64) with { Lse = true };
        yield return Case(AttentionCases.Paged(other with { Causal = CausalMask.BottomRight, KeyLengths = true }, 16));
        yield return Case(AttentionCases.Paged(other with { Sinks = true, Bias = true }, 32));
        yield return Case(other with { Kv = KvLayout.Ring, KeyLengths = true, Causal = CausalMask.At(200) });
        yield return Case(other with { SeqQ = 64, Packed = new PackedSequences(70, 200), Causal = CausalMask.BottomRight });
        yield return Case(other with
        {
            SeqQ = 40,
            Packed = new PackedSequences(50, 200),
            Sinks = true,
            Alibi = true,
            Alignment = BandAlignment.BottomRight,
        });
        yield return Case(AttentionCases.Paged(other with { Packed = new PackedSequences(12, null), KeyLengths = true }, 16));
    }

    private static IEnumerable<VerificationCase> Split(DType type)
    {
        AttentionProblem p = Problem(type, 2, 1, 4, 8, 1100, 40) with { Lse = true };
        yield return Case(p with { Batch = 1 });
        yield return Case(p with { Batch = 1 }, new CaseOptions { Logits = 50 });
        yield return Case(p with { Causal = CausalMask.BottomRight, KeyLengths = true, HeadDimV = 21 }, Empty with { AfterLonger = true });
        yield return Case(p with { Batch = 1, Causal = CausalMask.BottomRight, WindowLeft = 300, Sinks = true });
        yield return Case(p with { SeqKv = 600, Sinks = true, Bias = true, Mask = true, HeadScales = true, KeyLengths = true }, Empty);
        yield return Case(p with { Batch = 1, Blocks = new BlockSparsity(3, 100), Alibi = true, Alignment = BandAlignment.BottomRight });
        yield return Case(p with { Batch = 1, SeqKv = 600, Causal = CausalMask.At(90) }, new CaseOptions { VisibleNaN = true });
        yield return Case(p with { Batch = 1, SeqKv = 600, SeqQ = 6 }, new CaseOptions { Modifier = CaseModifier.TableBias });
        yield return Case(AttentionCases.Paged(p with { SeqKv = 600, KeyLengths = true, Causal = CausalMask.BottomRight }, 32), Empty);
        yield return Case(p with { SeqKv = 600, Kv = KvLayout.Ring, KeyLengths = true, WindowLeft = 300, Causal = CausalMask.BottomRight },
            new CaseOptions { Lengths = [650, 900] });
        yield return Case(Problem(type, 1, 1, 8, 16, 1100, 64) with { Causal = CausalMask.BottomRight, Lse = true });
        yield return Case(Problem(type, 1, 2, 1, 40, 600, 128) with { Lse = true });
        yield return Case(Problem(type, 1, 1, 5, 5, 600, 256) with { Softcap = 9, Lse = true });
    }

    private static AttentionProblem Problem(DType type, int batch, int headsKv, int group, int queries, int keys, int dimension) => new()
    {
        Type = type, Batch = batch, HeadsKv = headsKv, HeadsQ = headsKv * group, SeqQ = queries, SeqKv = keys, HeadDim = dimension,
    };

    private static AttentionCase Case(AttentionProblem problem, CaseOptions? given = null)
    {
        CaseOptions options = given ?? new CaseOptions();
        return new AttentionCase(problem, options, CaseNames.Of(problem, options), CaseSize.Tiny);
    }
}
