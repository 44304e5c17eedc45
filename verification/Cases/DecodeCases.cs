namespace AttnKernels.Verification;

/// <summary>
/// Attention of few queries over more keys than one split of FlashDecode: every row count, head size and type, with a plain score and
/// with every term; lengths and windows that leave splits empty, cut or whole; rows that no 128-bit load may touch.
/// </summary>
internal static class DecodeCases
{
    private static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    private static readonly DType[] StoredTypes = [DType.Int8, .. Types];

    public static IEnumerable<VerificationCase> Tiny()
    {
        int n = 0;
        foreach (DType type in Types)
        {
            foreach (int dimension in (int[])[64, 128, 256])
                foreach ((int group, int queries) in ((int, int)[])[(1, 1), (4, 1), (4, 2)])
                {
                    AttentionProblem p = Problem(type, 2, 1, group, queries, 300, dimension) with { Lse = true };
                    yield return Case(p);
                    yield return Case(p with { Mask = true, Softcap = 5, KeyLengths = true });
                    DType stored = StoredTypes[n % 4];
                    AttentionProblem other = p with { KvType = stored, KeyLengths = true };
                    yield return Case(n++ % 3 == 0 || stored == type ? AttentionCases.Paged(other, 1 << (n % 6)) : other);
                }
            AttentionProblem odd = Problem(type, 2, 2, 3, 1, 530, 40) with
            {
                HeadDimV = 21,
                Causal = CausalMask.BottomRight,
                KeyLengths = true,
                Lse = true,
            };
            yield return Case(odd, new CaseOptions { EmptyBatch = true });
            yield return Case(odd, new CaseOptions { EmptyBatch = true, AfterLonger = true });
            AttentionProblem integers = odd with { KvType = DType.Int8 };
            yield return Case(integers with { HeadDimV = 24 }, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(AttentionCases.Paged(integers, 16), new CaseOptions { EmptyBatch = true });
            yield return Case(odd with { HeadDim = 13, HeadDimV = 100 }, new CaseOptions { Placement = Placement.OddLines });
        }
        AttentionProblem few = Problem(DType.Float32, 1, 2, 2, 5, 600, 24) with { Causal = CausalMask.BottomRight };
        yield return Case(few with { WindowLeft = 90, Lse = true });
        yield return Case(few with { WindowLeft = 341, HeadDimV = 130 }, new CaseOptions { Logits = 50 });
        yield return Case(few with { WindowLeft = 1, Causal = CausalMask.At(254) }, new CaseOptions { VisibleNaN = true });
        yield return Case(few with { Alibi = true, Bias = true }, new() { InfiniteBias = true, Placement = Placement.SequenceFirst });
        yield return Case(few with { SeqQ = 8, SeqKv = 257, Scale = -0.5f });
        yield return Case(few with { HeadsQ = 34, SeqQ = 1, Sinks = true, Lse = true });
        foreach (CausalMask causal in (CausalMask[])[CausalMask.BottomRight, CausalMask.At(700)])
        {
            AttentionProblem ring = few with
            {
                Batch = 3,
                Kv = KvLayout.Ring,
                KeyLengths = true,
                WindowLeft = 300,
                Sinks = true,
                Lse = true,
                Causal = causal,
            };
            // A ring a little past its end: a window counted from the wrong key still meets keys that are there.
            CaseOptions lengths = new() { EmptyBatch = true, Lengths = [650, 900, 0] };
            yield return Case(ring, lengths);
            yield return Case(ring with { KvType = DType.Int8, HeadDim = 32, HeadDimV = 32 }, lengths with { AfterLonger = true });
        }
        yield return Case(few with { SeqQ = 2 }, new CaseOptions { Modifier = CaseModifier.LogBias });
        yield return Case(few with { SeqQ = 1, KeyLengths = true, Kv = KvLayout.Ring },
            new CaseOptions { Modifier = CaseModifier.TableBias });
    }

    private static AttentionProblem Problem(DType type, int batch, int headsKv, int group, int queries, int keys, int dimension) => new()
    {
        Type = type, Batch = batch, HeadsKv = headsKv, HeadsQ = headsKv * group, SeqQ = queries, SeqKv = keys, HeadDim = dimension,
    };

    private static AttentionCase Case(AttentionProblem problem, CaseOptions? options = null)
    {
        CaseOptions chosen = options ?? new CaseOptions();
        return new AttentionCase(problem, chosen, CaseNames.Of(problem, chosen), CaseSize.Tiny);
    }
}
