using static AttnKernels.DType;

namespace AttnKernels.Verification;

/// <summary>The attention cases: sizes that fit no tile, every combination of masks, layouts, groups, extremes.</summary>
internal static class AttentionCases
{
    private static readonly DType[] Types = [Float32, Float16, DType.BFloat16];
    private static readonly CausalMask[] Causals = [CausalMask.None, CausalMask.TopLeft, CausalMask.BottomRight];

    /// <summary>Small enough for devices that interpret.</summary>
    public static IEnumerable<VerificationCase> Tiny()
    {
        AttentionProblem small = Problem(Float32, 2, 2, 2, 9, 21, 8);
        foreach (DType type in Types)
        {
            yield return Case(Problem(type, 1, 1, 1, 1, 1, 1), CaseSize.Tiny);
            yield return Case(Problem(type, 1, 2, 1, 17, 37, 15) with { Lse = true }, CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 37, 17, 16) with { Causal = CausalMask.BottomRight, Lse = true }, CaseSize.Tiny);
            yield return Case(Problem(type, 1, 7, 1, 1, 65, 8) with { Causal = CausalMask.BottomRight }, CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 3, 129, 64), CaseSize.Tiny, new CaseOptions { Logits = 50 });
            yield return Case(Problem(type, 1, 1, 1, 5, 70, 24) with { HeadDimV = 40 },
                CaseSize.Tiny, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(small with { Type = type, Weights = true, Lse = true, Causal = CausalMask.TopLeft }, CaseSize.Tiny);
            yield return Case(AllMasks(small with { Type = type }), CaseSize.Tiny, new CaseOptions { EmptyBatch = true });
            yield return Case(AllMasks(small with { Type = type, Weights = true }), CaseSize.Tiny, new CaseOptions { EmptyBatch = true });
        }
        yield return Case(Problem(Float32, 1, 1, 1, 65, 66, 8) with { Causal = CausalMask.TopLeft }, CaseSize.Tiny);
        // Two tiles of queries of three heads, of which the simulator's cache holds the keys of two.
        yield return Case(Problem(Float32, 1, 3, 3, 70, 64, 8) with { Causal = CausalMask.TopLeft }, CaseSize.Tiny);
        // Several tiles of keys, some of them hidden whole; the same of few enough blocks that a tile sees only its last one.
        AttentionProblem tiles = Problem(Float32, 2, 2, 1, 70, 100, 8) with { Lse = true };
        yield return Case(tiles with { Documents = true, Sinks = true }, CaseSize.Tiny);
        yield return Case(tiles with { Blocks = new BlockSparsity(64, 32), HeadScales = true }, CaseSize.Tiny);
        yield return Case(tiles with { Blocks = new BlockSparsity(70, 27) }, CaseSize.Tiny);
        // A window that starts inside a tile of keys which ends before the diagonal; rows of 13 elements 16 apart, which vectors reach but
        // do not fill.
        yield return Case(Problem(Float32, 1, 1, 1, 5, 70, 8) with { Causal = CausalMask.BottomRight, WindowLeft = 20 }, CaseSize.Tiny);
        yield return Case(Problem(Float32, 2, 4, 2, 5, 9, 13) with { Lse = true },
            CaseSize.Tiny, new CaseOptions { Placement = Placement.OddLines });
        // The same past whole tiles of keys.
        yield return Case(Problem(Float32, 1, 1, 1, 2, 70, 13), CaseSize.Tiny, new CaseOptions { Placement = Placement.OddLines });
        // A NaN among the values of key 0, which the window hides from later queries.
        foreach (int dimension in (int[])[7, 40])
            yield return Case(Problem(Float32, 1, 2, 1, 3, 37, dimension) with { Causal = CausalMask.TopLeft, WindowLeft = 1 },
                CaseSize.Tiny, new CaseOptions { VisibleNaN = true });
        yield return Case(Problem(Float32, 1, 1, 1, 33, 37, 40) with { Causal = CausalMask.TopLeft, WindowLeft = 9 },
            CaseSize.Tiny, new CaseOptions { VisibleNaN = true });
        foreach (DType type in Types)
            foreach (int dimension in (int[])[128, 256])
            {
                AttentionProblem wide = Problem(type, 1, 1, 1, 17, 35, dimension) with { Causal = CausalMask.At(1) };
                yield return Case(wide, CaseSize.Tiny);
                yield return Case(wide with { Mask = true, HeadDimV = dimension - 27 }, CaseSize.Tiny);
            }
        // Enough query rows for tensor cores, and several of their tiles of keys: masked and whole, hidden whole, a NaN that some rows see.
        foreach (DType type in Types.Skip(1))
        {
            yield return Case(Problem(type, 1, 2, 1, 21, 150, 40) with { Causal = CausalMask.BottomRight, WindowLeft = 100, Lse = true },
                CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 17, 100, 128), CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 12, 70, 24), CaseSize.Tiny, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(tiles with { Type = type, Documents = true, Sinks = true }, CaseSize.Tiny);
            yield return Case(tiles with { Type = type, Blocks = new BlockSparsity(70, 27) }, CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 33, 70, 40) with { Causal = CausalMask.TopLeft, WindowLeft = 9, Lse = true },
                CaseSize.Tiny, new CaseOptions { VisibleNaN = true });
        }
        // Tiles of 128 rows: whole tiles of keys between those that window and diagonal cut, rows of a warp past the last, maxima that
        // rise.
        foreach (DType type in Types.Skip(1))
        {
            yield return Case(Problem(type, 1, 1, 1, 130, 500, 64) with { Causal = CausalMask.BottomRight, WindowLeft = 250, Lse = true },
                CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 17, 150, 192) with { Lse = true }, CaseSize.Tiny);
            yield return Case(Problem(type, 1, 1, 1, 70, 150, 128) with { Lse = true }, CaseSize.Tiny, new CaseOptions { Logits = 50 });
            yield return Case(Problem(type, 1, 1, 1, 70, 100, 40) with { Causal = CausalMask.TopLeft, WindowLeft = 9 },
                CaseSize.Tiny, new CaseOptions { VisibleNaN = true });
        }
        foreach (VerificationCase stored in StoredKeys(CaseSize.Tiny).Concat(Sequences(CaseSize.Tiny)).Concat(Vectors(CaseSize.Tiny)))
            yield return stored;
        foreach (VerificationCase ruled in Ruled(small, CaseSize.Tiny)) yield return ruled;
        foreach ((AttentionProblem problem, CaseOptions options) in Features(small))
            yield return Case(problem, CaseSize.Tiny, options);
        foreach ((AttentionProblem problem, CaseOptions options) in Features(small with { Weights = true }))
            yield return Case(problem, CaseSize.Tiny, options);
        foreach (Placement placement in Placement.Rows.Skip(1))
            yield return Case(small, CaseSize.Tiny, new CaseOptions { Placement = placement });
        yield return Case(Problem(DType.BFloat16, 2, 4, 2, 9, 9, 8) with { Causal = CausalMask.TopLeft },
            CaseSize.Tiny, new CaseOptions { Packed = true });
    }

    /// <summary>For devices that compute at speed.</summary>
    public static IEnumerable<VerificationCase> Normal() =>
        Lengths().Concat(Tiles()).Concat(Dimensions()).Concat(MaskCombinations()).Concat(Groups()).Concat(Layouts()).Concat(Extremes())
            .Concat(StoredKeys(CaseSize.Normal)).Concat(Sequences(CaseSize.Normal)).Concat(Vectors(CaseSize.Normal))
            .Concat(Ruled(Problem(Float32, 2, 4, 2, 37, 301, 40), CaseSize.Normal));

    /// <summary>Lengths around the edges of tiles, queries and keys different both ways, with and without a diagonal.</summary>
    private static IEnumerable<VerificationCase> Lengths()
    {
        (int Q, int K)[] lengths =
            [(1, 1), (1, 17), (1, 513), (17, 37), (37, 17), (64, 64), (65, 129), (129, 65), (127, 127), (128, 64), (513, 129), (501, 513)];
        int[] dimensions = [64, 32, 128, 40];
        int n = 0;
        foreach (DType type in Types)
            foreach ((int queries, int keys) in lengths)
                foreach (CausalMask causal in Causals)
                {
                    int dimension = dimensions[n++ % 4];
                    AttentionProblem p = Problem(type, 1, 2, 2, queries, keys, dimension) with { Causal = causal, Lse = n % 2 == 0 };
                    yield return Case(p);
                    if (n % 3 == 0 && queries * keys < 40000) yield return Case(p with { Weights = true });
                }
        yield return Case(Problem(Float32, 1, 1, 1, 3, 4097, 64) with { Lse = true });
        yield return Case(Problem(Float16, 1, 1, 1, 3, 4097, 64) with { Lse = true });
        yield return Case(Problem(Float32, 1, 1, 1, 1030, 1027, 16) with { Causal = CausalMask.TopLeft, WindowLeft = 130 });
    }

    /// <summary>
    /// Documents and blocks over several tiles of queries and keys, some of which they hide whole; few queries, many keys.
    /// </summary>
    private static IEnumerable<VerificationCase> Tiles()
    {
        foreach (DType type in Types)
            foreach (bool weights in (bool[])[false, true])
            {
                AttentionProblem p = Problem(type, 2, 4, 2, 201, 513, 40) with { Lse = true, Weights = weights };
                yield return Case(p with { Documents = true });
                yield return Case(p with { Documents = true, Sinks = true, Causal = CausalMask.BottomRight },
                    options: new CaseOptions { MixedDocuments = true });
                foreach ((int queries, int keys) in ((int, int)[])[(64, 128), (16, 16), (100, 37), (1, 1), (1000, 1000)])
                    yield return Case(
                        p with { Blocks = new BlockSparsity(queries, keys), WindowLeft = 300, Alignment = BandAlignment.BottomRight },
                        options: new CaseOptions { BlockAxes = queries > 50 ? Axes4.Heads : Axes4.Batch });
                AttentionProblem few = p with { SeqQ = 2, SeqKv = 1200, Sinks = true };
                yield return Case(few with { Documents = true, HeadScales = true });
                yield return Case(few with { Blocks = new BlockSparsity(1, 512) });
                yield return Case(few with { Blocks = new BlockSparsity(2, 100), KeyLengths = true },
                    options: new CaseOptions { EmptyBatch = true });
            }
    }

    private static IEnumerable<VerificationCase> Dimensions()
    {
        (int D, int Dv)[] dimensions =
        [
            (1, 1), (2, 2), (7, 7), (15, 15), (16, 16), (37, 37), (64, 64), (80, 80), (96, 96), (128, 128), (192, 192), (255, 255),
            (256, 256), (64, 128), (128, 64), (192, 128), (37, 80), (1, 256), (256, 1), (15, 16),
        ];
        foreach (DType type in Types)
            foreach ((int d, int dv) in dimensions)
            {
                CausalMask causal = d % 2 == 0 ? CausalMask.BottomRight : CausalMask.None;
                AttentionProblem p = Problem(type, 1, 2, 1, 37, 65, d) with { HeadDimV = dv, Causal = causal };
                yield return Case(p);
                yield return Case(p with { Weights = true, Lse = true });
            }
    }

    /// <summary>
    /// All 512 combinations of causal mask, window, key lengths, boolean mask, bias, ALiBi and softcap; dtypes and paths take turns.
    /// </summary>
    private static IEnumerable<VerificationCase> MaskCombinations()
    {
        CausalMask[] causals = [CausalMask.None, CausalMask.TopLeft, CausalMask.BottomRight, CausalMask.At(5)];
        (int?, int?)[] windows = [(null, null), (9, null), (null, 7), (6, 11)];
        int n = 0;
        foreach (CausalMask causal in causals)
            foreach ((int? left, int? right) in windows)
                for (int features = 0; features < 32; features++, n++)
                {
                    AttentionProblem p = Problem(Types[n % 3], 2, 2, 1, 37, 53, 16) with
                    {
                        Causal = causal,
                        WindowLeft = left,
                        WindowRight = right,
                        Alignment = causal.Alignment is null ? (n % 2 == 0 ? BandAlignment.BottomRight : BandAlignment.At(3)) : null,
                        KeyLengths = (features & 1) != 0,
                        Mask = (features & 2) != 0,
                        Bias = (features & 4) != 0,
                        Alibi = (features & 8) != 0,
                        Softcap = (features & 16) != 0 ? 4 : 0,
                        BiasType = Types[n / 3 % 3],
                        Lse = n % 2 == 0,
                        Weights = n % 5 == 0,
                        Sinks = n / 2 % 3 == 1,
                        HeadScales = n % 4 == 1,
                        Documents = n % 7 == 3,
                        Blocks = n % 6 == 2 ? new BlockSparsity(1 + (n % 13), 1 + (n % 11)) : null,
                    };
                    yield return Case(p, options: new CaseOptions { EmptyBatch = n % 4 == 1, AlibiPerBatch = n % 7 == 0 });
                }
    }

    /// <summary>Paged keys and keys of another type than the queries', few rows and many, with every other term beside them.</summary>
    private static IEnumerable<VerificationCase> StoredKeys(CaseSize size)
    {
        int keys = size == CaseSize.Tiny ? 37 : 601;
        foreach (DType type in Types)
            foreach (DType kvType in (DType[])[Float32, Float16, DType.BFloat16, Int8])
                foreach ((int queries, int dimension) in ((int, int)[])[(1, 24), (9, 15)])
                {
                    AttentionProblem p = Problem(type, 2, 4, 2, queries, keys, dimension) with
                    {
                        KvType = kvType,
                        HeadDimV = dimension + 5,
                        Causal = CausalMask.BottomRight,
                        KeyLengths = true,
                        Lse = true,
                    };
                    if (kvType != type) yield return Case(p, size);
                    yield return Case(Paged(p, queries == 1 ? 16 : 4), size, new CaseOptions { EmptyBatch = queries == 1 });
                }
        foreach (DType type in Types)
            foreach (int dimension in (int[])[72, 136])
                yield return Case(Paged(Problem(type, 1, 2, 1, 5, keys, dimension), 8), size);
        yield return Case(Paged(AllMasks(Problem(Float32, 2, 2, 2, 9, keys, 8) with { KvType = Int8 }), 8), size);
        yield return Case(AllMasks(Problem(Float32, 2, 2, 2, 1, keys, 8) with { KvType = Int8 }), size);
        foreach (DType type in Types)
            yield return Case(Problem(type, 1, 2, 1, 1, keys, 64), size, new CaseOptions { VisibleNaN = true });
        yield return Case(Paged(Problem(Float32, 1, 1, 1, 5, keys, 40), 1), size, new CaseOptions { Placement = Placement.SequenceFirst });
        yield return Case(Problem(Float32, 1, 2, 1, 33, keys, 100) with { KvType = Int8 },
            size, new CaseOptions { Placement = Placement.OddLines });
    }

    /// <summary>Packed sequences and rings: short ones and long, with every other term beside them.</summary>
    private static IEnumerable<VerificationCase> Sequences(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        (int queries, int keys) = isTiny ? (18, 37) : (150, 601);
        foreach (DType type in Types)
        {
            AttentionProblem p = Problem(type, 4, 4, 2, queries, keys, isTiny ? 8 : 64) with { Lse = true };
            AttentionProblem packed = p with { Packed = new PackedSequences(3 * queries, 3 * keys) };
            yield return Case(packed, size);
            yield return Case(packed with { Causal = CausalMask.BottomRight },
                size, new CaseOptions { Placement = Placement.SequenceFirst });
            yield return Case(packed with { SeqQ = 2, Packed = new PackedSequences(5, 3 * keys), Causal = CausalMask.BottomRight }, size);
            yield return Case(AllMasks(packed) with { KeyLengths = isTiny, KvType = Int8 }, size, new CaseOptions { AlibiPerBatch = true });
            yield return Case(Paged(packed with { Packed = new PackedSequences(3 * queries, null), KeyLengths = true }, 8), size);
            yield return Case(packed with { Documents = true, Sinks = true, Blocks = new BlockSparsity(8, 16) }, size);
            foreach (int dimension in (int[])[72, 136])
                yield return Case(packed with { Batch = 2, HeadDim = dimension, Causal = CausalMask.TopLeft, WindowLeft = 9 }, size);

            AttentionProblem ring = p with { Kv = KvLayout.Ring, KeyLengths = true };
            yield return Case(ring, size, new CaseOptions { EmptyBatch = true });
            yield return Case(ring with { Causal = CausalMask.BottomRight, WindowLeft = keys / 2, Alibi = true }, size);
            yield return Case(ring with { SeqQ = 1, Causal = CausalMask.BottomRight, KvType = Int8, Sinks = true }, size);
            yield return Case(ring with { Causal = CausalMask.At(2 * keys), Mask = true }, size, new CaseOptions { MaskAxes = Axes4.All });
            yield return Case(
                ring with { Packed = new PackedSequences(2 * queries, null), Causal = CausalMask.BottomRight, HeadDim = 40 }, size);
        }
    }

    /// <summary>Score rules of the user's, alone and beside every other term, with grouped heads and few rows.</summary>
    private static IEnumerable<VerificationCase> Ruled(AttentionProblem p, CaseSize size)
    {
        int n = 0;
        foreach (CaseModifier modifier in Enum.GetValues<CaseModifier>().Skip(1))
            foreach (DType type in Types)
            {
                CaseOptions options = new() { Modifier = modifier, EmptyBatch = n++ % 2 == 0 };
                AttentionProblem typed = p with { Type = type, Alignment = BandAlignment.BottomRight };
                yield return Case(typed with { HeadsQ = 4, HeadsKv = 2, SeqQ = 1 }, size, options);
                yield return Case(typed with { Lse = true, Causal = CausalMask.BottomRight, WindowLeft = 40 }, size, options);
                yield return Case(typed with { Weights = true, KeyLengths = true }, size, options);
                yield return Case(AllMasks(typed) with { Sinks = true, Documents = true }, size, options with { InfiniteBias = true });
                if (type == Float16) yield return Case(Paged(typed with { KvType = Int8 }, 8), size, options);
                if (type == DType.BFloat16)
                    yield return Case(typed with { Packed = new PackedSequences(2 * p.SeqQ, 2 * p.SeqKv) },
                        size, options with { EmptyBatch = false });
                if (type == Float32) yield return Case(typed with { Kv = KvLayout.Ring, KeyLengths = true }, size, options);
            }
    }

    /// <summary>Cosine similarity and fused rotary embedding: few rows and many, of every layout of keys.</summary>
    private static IEnumerable<VerificationCase> Vectors(CaseSize size)
    {
        bool isTiny = size == CaseSize.Tiny;
        (int queries, int keys, int dim) = isTiny ? (18, 37, 24) : (150, 301, 64);
        foreach (DType type in Types)
        {
            AttentionProblem p = Problem(type, 2, 4, 2, queries, keys, dim) with { Lse = true, Causal = CausalMask.BottomRight };
            AttentionProblem cosine = p with { Similarity = Similarity.Cosine, HeadScales = true };
            AttentionProblem rotary = p with { Rotary = new RotaryForm(dim, keys + 9) };
            yield return Case(cosine, size, new CaseOptions { Logits = 50 });
            yield return Case(cosine with { SeqQ = 1, HeadDim = 7, Scale = 10 }, size, new CaseOptions { Placement = Placement.OddLines });
            yield return Case(cosine with { HeadDim = 136, SeqQ = 20, Causal = CausalMask.None, KvType = Int8 }, size);
            yield return Case(cosine with { KeyLengths = true }, size, new CaseOptions { EmptyBatch = true });
            // Queries before position 0, which see keys: they are NaN.
            yield return Case(
                rotary with { Causal = CausalMask.None, Alignment = BandAlignment.BottomRight, KeyLengths = true, SeqQ = keys }, size);
            yield return Case(rotary, size);
            yield return Case(rotary with { SeqQ = 2 }, size);
            yield return Case(rotary with { Rotary = new RotaryForm(14, keys + 9, Interleaved: true), Causal = CausalMask.At(3) }, size);
            yield return Case(rotary with { Rotary = new RotaryForm(10, 50, false, Positions: true), HeadDim = 15, SeqQ = 2 }, size);
            yield return Case(
                rotary with { Rotary = new RotaryForm(dim - 2, 50, true, Positions: true), Similarity = Similarity.Cosine }, size);
            yield return Case(rotary with { HeadDim = 72, Rotary = new RotaryForm(72, keys), SeqQ = 20, KeyLengths = true }, size);
            yield return Case(rotary with
            {
                Packed = new PackedSequences(2 * queries, 2 * keys),
                Rotary = new RotaryForm(dim, 70, false, Positions: true),
            }, size);
            yield return Case(Paged(rotary with { KeyLengths = true, KvType = Int8, SeqQ = isTiny ? 5 : 2 }, 8), size);
            yield return Case(
                rotary with { Kv = KvLayout.Ring, KeyLengths = true, Rotary = new RotaryForm(dim, 3 * keys), SeqQ = 3 }, size);
            yield return Case(rotary with { Kv = KvLayout.Ring, KeyLengths = true, Rotary = new RotaryForm(dim, 3 * keys) }, size);
        }
    }

    /// <summary>The same problem over a cache of blocks, three more than are needed.</summary>
    internal static AttentionProblem Paged(AttentionProblem p, int blockSize) =>
        p with { Kv = KvLayout.Paged(blockSize, (p.Batch * ((p.SeqKv + blockSize - 1) / blockSize)) + 3) };

    private static IEnumerable<VerificationCase> Groups()
    {
        foreach (DType type in Types)
            foreach ((int q, int kv) in ((int, int)[])[(7, 1), (14, 2), (8, 8), (32, 8)])
                foreach (bool weights in (bool[])[false, true])
                {
                    yield return Case(Problem(type, 2, q, kv, 1, 129, 64) with
                    {
                        Causal = CausalMask.BottomRight,
                        KeyLengths = true,
                        Weights = weights,
                    });
                    yield return Case(Problem(type, 1, q, kv, 37, 65, 32) with
                    {
                        Causal = CausalMask.TopLeft,
                        Mask = true,
                        Weights = weights,
                        Lse = true,
                    });
                }
    }

    private static IEnumerable<VerificationCase> Layouts()
    {
        foreach (DType type in Types)
            foreach (bool weights in (bool[])[false, true])
            {
                AttentionProblem p = Problem(type, 2, 4, 2, 37, 65, 40) with
                {
                    HeadDimV = 24,
                    Causal = CausalMask.BottomRight,
                    Weights = weights,
                };
                foreach (Placement placement in Placement.Rows)
                    yield return Case(p, options: new CaseOptions { Placement = placement });
                foreach (int d in (int[])[15, 64])
                    yield return Case(Problem(type, 2, 6, 2, 65, 65, d) with { Causal = CausalMask.TopLeft, Weights = weights },
                        options: new CaseOptions { Packed = true });
            }
    }

    private static IEnumerable<VerificationCase> Extremes()
    {
        foreach (DType type in Types)
            foreach (bool weights in (bool[])[false, true])
            {
                AttentionProblem p = Problem(type, 2, 4, 2, 129, 201, 64) with { Lse = true, Weights = weights };
                yield return Case(p, options: new CaseOptions { Logits = 50 });
                yield return Case(p with { Causal = CausalMask.TopLeft, Softcap = 30 }, options: new CaseOptions { Logits = 50 });
                yield return Case(p with { Causal = CausalMask.BottomRight }, options: new CaseOptions { VisibleNaN = true });
                yield return Case(p with { Scale = 0.01f });
                yield return Case(p with { Scale = -1.5f });
                yield return Case(p with { Bias = true, BiasType = type }, options: new CaseOptions { InfiniteBias = true });
                foreach (float softcap in (float[])[0, 5])
                {
                    yield return Case(p with { Bias = true, BiasType = type, Softcap = softcap },
                        options: new CaseOptions { InfiniteBias = true, BiasAxes = Axes4.Keys });
                }
                Axes4[] subsets =
                    [Axes4.None, Axes4.Keys, Axes4.Queries, Axes4.Batch, Axes4.Heads, Axes4.All, Axes4.Batch | Axes4.Heads];
                foreach (Axes4 axes in subsets)
                    yield return Case(p with { SeqQ = 17, SeqKv = 37, HeadDim = 16, Mask = true, Bias = true, BiasType = type },
                        options: new CaseOptions { MaskAxes = axes, BiasAxes = Axes4.All & ~axes });
            }
    }

    /// <summary>Each feature by itself.</summary>
    internal static IEnumerable<(AttentionProblem Problem, CaseOptions Options)> Features(AttentionProblem p)
    {
        CaseOptions none = new();
        yield return (p with { Causal = CausalMask.TopLeft }, none);
        yield return (p with { Causal = CausalMask.BottomRight }, none);
        yield return (p with { Causal = CausalMask.At(-3) }, none);
        yield return (p with { WindowLeft = 4, WindowRight = 3, Alignment = BandAlignment.BottomRight }, none);
        yield return (p with { KeyLengths = true }, new CaseOptions { EmptyBatch = true });
        yield return (p with { Mask = true, Lse = true }, none);
        yield return (p with { Bias = true, BiasType = Float16 }, new CaseOptions { InfiniteBias = true });
        yield return (p with { Alibi = true, Alignment = BandAlignment.BottomRight }, none);
        yield return (p with { Softcap = 2 }, none);
        yield return (p with { Sinks = true, Lse = true }, none);
        yield return (p with { Sinks = true, Lse = true, KeyLengths = true, Mask = true }, new CaseOptions { EmptyBatch = true });
        yield return (p with { HeadScales = true, Lse = true }, none);
        yield return (p with { Documents = true }, none);
        yield return (p with { Documents = true }, new CaseOptions { SharedDocuments = true, MixedDocuments = true });
        yield return (p with { Blocks = new BlockSparsity(4, 5) }, none);
        yield return (p with { Blocks = new BlockSparsity(5, 7), Causal = CausalMask.BottomRight },
            new CaseOptions { BlockAxes = Axes4.None });
        yield return (p with { Scale = 0.5f, Causal = CausalMask.BottomRight }, new CaseOptions { VisibleNaN = true });
        yield return (p with { Causal = CausalMask.TopLeft }, new CaseOptions { VisibleNaN = true });
    }

    private static AttentionProblem AllMasks(AttentionProblem p) => p with
    {
        Causal = CausalMask.BottomRight,
        WindowLeft = 9,
        KeyLengths = true,
        Mask = true,
        Bias = true,
        BiasType = DType.BFloat16,
        Alibi = true,
        Softcap = 5,
        Lse = true,
    };

    private static AttentionProblem Problem(DType type, int batch, int headsQ, int headsKv, int queries, int keys, int dimension) => new()
    {
        Type = type,
        Batch = batch,
        HeadsQ = headsQ,
        HeadsKv = headsKv,
        SeqQ = queries,
        SeqKv = keys,
        HeadDim = dimension,
    };

    private static AttentionCase Case(AttentionProblem problem, CaseSize size = CaseSize.Normal, CaseOptions? options = null)
    {
        options ??= new CaseOptions();
        return new AttentionCase(problem, options, CaseNames.Of(problem, options), size);
    }
}
