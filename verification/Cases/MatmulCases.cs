using static AttnKernels.DType;

namespace AttnKernels.Verification;

/// <summary>The matmul cases: sizes that fit no tile, transposes, factors, bias, batches, groups, strides, mixed types.</summary>
internal static class MatmulCases
{
    private static readonly DType[] Types = [Float32, Float16, DType.BFloat16];

    /// <summary>Small enough for devices that interpret.</summary>
    public static IEnumerable<VerificationCase> Tiny()
    {
        foreach (DType type in Types)
        {
            (int, int, int)[] sizes = [(1, 1, 1), (17, 37, 15), (64, 64, 32), (65, 9, 33), (1, 65, 17), (33, 1, 40)];
            foreach ((int m, int n, int k) in sizes)
                yield return Case(Problem(type, m, n, k), CaseSize.Tiny);
            for (int features = 1; features < 8; features++)
                yield return Case(Problem(type, 17, 9, 21) with
                {
                    TransposeA = (features & 1) != 0,
                    TransposeB = (features & 2) != 0,
                    Bias = (features & 4) != 0,
                    Alpha = 0.5f,
                    Beta = (features & 4) != 0 ? -1.5f : 0,
                }, CaseSize.Tiny);
            yield return Case(Problem(type, 5, 7, 9) with { Batch0 = 2, Batch1 = 4, GroupB = 2 }, CaseSize.Tiny);
            yield return Case(Problem(type, 5, 7, 9), CaseSize.Tiny, Placement.OddLines, Placement.ColumnMajor);
            // Rows of 13 elements 16 apart, which vectors reach but do not fill.
            yield return Case(Problem(type, 17, 13, 13) with { Alpha = 0.5f }, CaseSize.Tiny, Placement.OddLines);
            // Whole tiles of vectors, then one that K cuts within a vector.
            yield return Case(Problem(type, 64, 64, 21), CaseSize.Tiny, Placement.OddLines);
            yield return Case(Problem(type, 17, 9, 21) with { Bias = true }, CaseSize.Tiny, Placement.ColumnMajor);
        }
        // Several steps of K and all warps of a tile for tensor cores, each layout, to both types.
        foreach (DType type in Types.Skip(1))
        {
            yield return Case(Problem(type, 17, 40, 129), CaseSize.Tiny);
            yield return Case(Problem(type, 130, 129, 16), CaseSize.Tiny);
            for (int form = 0; form < 16; form++)
                yield return Case(Problem(type, 24, 40, 104) with
                {
                    TransposeA = (form & 1) != 0,
                    TransposeB = (form & 2) != 0,
                    TypeC = (form & 4) != 0 ? Float32 : type,
                    Activation = (form & 8) != 0 ? Activation.Silu : Activation.None,
                }, CaseSize.Tiny);
            yield return Case(Problem(type, 16, 17, 24) with
            {
                Batch0 = 2,
                Batch1 = 4,
                GroupB = 2,
                Bias = true,
                Alpha = 0.5f,
                Beta = -1.5f,
            }, CaseSize.Tiny);
            foreach (Placement lines in (Placement[])[Placement.OddLines, Placement.QuadLines])
                yield return Case(Problem(type, 24, 16, 40) with { TransposeA = true }, CaseSize.Tiny, lines, lines);
        }
        foreach (VerificationCase tile in TensorTiles()) yield return tile;
        foreach (DType type in Types)
        {
            // K in parts, with and without tensor cores: more than four besides the first, and what follows them; each tile.
            yield return Case(Problem(type, 40, 57, 690) with { Parts = 11 }, CaseSize.Tiny);
            yield return Case(Problem(type, 24, 40, 200) with
            {
                Parts = 2,
                Batch0 = 2,
                Batch1 = 4,
                GroupB = 2,
                Bias = true,
                Beta = -1.5f,
                Alpha = 0.5f,
                Activation = Activation.Silu,
                TransposeA = true,
            }, CaseSize.Tiny);
            yield return Case(Problem(type, 120, 72, 200) with { Parts = 3, TransposeB = true, TypeC = Float32 }, CaseSize.Tiny);
            yield return Case(Problem(type, 120, 200, 130) with { Parts = 2 }, CaseSize.Tiny);
            yield return Case(Problem(type, 17, 21, 130) with { Parts = 2, Bias = true }, CaseSize.Tiny, Placement.ColumnMajor);
        }
        foreach (VerificationCase activated in Activated(CaseSize.Tiny, 40, 25, 24)) yield return activated;
        foreach ((DType a, DType b, DType c) in Combinations())
        {
            if (a != b || b != c) yield return Case(Problem(a, 17, 9, 21) with { TypeB = b, TypeC = c }, CaseSize.Tiny);
            yield return Case(Problem(a, 17, 9, 21) with { TypeB = b, TypeC = c, SkipZeroA = true, TransposeB = true }, CaseSize.Tiny);
            MatmulProblem naive = Problem(a, 17, 9, 21) with
            {
                TypeB = b,
                TypeC = c,
                Naive = true,
                Batch0 = 2,
                Batch1 = 4,
                GroupB = 2,
                Bias = true,
                Beta = 0.5f,
            };
            yield return Case(naive, CaseSize.Tiny) with { NeedsKernels = true };
        }
    }

    /// <summary>
    /// Each tile for tensor cores in each layout, smaller than the tile; more steps of K than stages, whole ones, one that K cuts, and rows
    /// in which a chunk reaches past K.
    /// </summary>
    private static IEnumerable<VerificationCase> TensorTiles()
    {
        foreach (DType type in Types.Skip(1))
        {
            foreach ((int m, int n) in ((int, int)[])[(40, 56), (120, 72), (120, 200)])
            {
                for (int form = 0; form < 8; form++)
                    yield return Case(Problem(type, m, n, 344) with
                    {
                        TransposeA = (form & 1) != 0,
                        TransposeB = (form & 2) != 0,
                        TypeC = (form & 4) != 0 ? Float32 : type,
                    }, CaseSize.Tiny);
                yield return Case(Problem(type, m, n, 64), CaseSize.Tiny);
                yield return Case(Problem(type, m, n, 320) with
                {
                    TransposeB = true,
                    Bias = true,
                    Beta = 0.5f,
                    Activation = Activation.Gelu,
                }, CaseSize.Tiny);
                yield return Case(Problem(type, m, n, 341), CaseSize.Tiny, Placement.OddLines, Placement.Dense);
            }
            yield return Case(Problem(type, 40, 53, 200), CaseSize.Tiny, Placement.Dense, Placement.OddLines);
            // More rows of tiles than share a band, and three columns.
            yield return Case(Problem(type, 1040, 260, 16), CaseSize.Tiny);
        }
    }

    /// <summary>
    /// Just enough tiles of 128 x 128 for the kernel that takes them; every edge of a tile but one element beyond that of the smaller
    /// kernel.
    /// </summary>
    public static IEnumerable<VerificationCase> LargeTiles()
    {
        foreach ((DType a, DType b, DType c) in Combinations())
        {
            MatmulProblem p = Problem(a, 65, 65, 20) with { TypeB = b, TypeC = c, Batch0 = 16, Batch1 = 8 };
            yield return Case(p);
            yield return Case(p with { SkipZeroA = true });
            yield return Case(p with { Activation = Activation.Gelu, Bias = true });
        }
    }

    /// <summary>
    /// Every activation after bias and old C, stored as vectors and one by one, from few factors that leave them at either side of 0.
    /// </summary>
    private static IEnumerable<VerificationCase> Activated(CaseSize size, int m, int n, int k)
    {
        foreach (Activation activation in Enum.GetValues<Activation>().Skip(1))
        {
            foreach ((DType a, DType b, DType c) in Combinations())
            {
                MatmulProblem p = Problem(a, m, n, k) with { TypeB = b, TypeC = c, Activation = activation, Alpha = 0.5f };
                yield return Case(p with { N = n / 8 * 8 }, size);
                yield return Case(p with { Bias = true, Beta = -1.5f, TransposeB = true }, size);
            }
            MatmulCase single = Case(Problem(Float32, m, n, 1) with { Activation = activation }, size);
            yield return single with { Name = $"{single.Name} visible-nan", Options = new CaseOptions { VisibleNaN = true } };
            yield return Case(Problem(Float32, m, n, k) with { Activation = activation, Alpha = -4, Bias = true },
                size, Placement.ColumnMajor);
            yield return Case(Problem(Float32, m, n, k) with { Activation = activation, Naive = true }, size) with { NeedsKernels = true };
        }
    }

    /// <summary>The storage types that unfused attention and plain products need.</summary>
    private static IEnumerable<(DType A, DType B, DType C)> Combinations()
    {
        foreach (DType type in Types)
        {
            yield return (type, type, type);
            if (type == Float32) continue;
            yield return (type, type, Float32);
            yield return (Float32, type, type);
        }
    }

    /// <summary>For devices that compute at speed.</summary>
    public static IEnumerable<VerificationCase> Normal()
    {
        (int M, int N, int K)[] sizes =
        [
            (1, 1, 513), (1, 513, 1), (513, 1, 17), (1, 513, 129), (127, 1, 501), (64, 64, 64), (65, 65, 65), (127, 129, 64),
            (128, 128, 128), (129, 65, 513), (17, 501, 37), (513, 17, 127), (256, 192, 300), (8, 8, 4096), (37, 501, 1),
        ];
        foreach (DType type in Types)
            foreach ((int m, int n, int k) in sizes)
            {
                yield return Case(Problem(type, m, n, k));
                yield return Case(Problem(type, m, n, k) with { TransposeA = m % 2 == 0, TransposeB = true, Alpha = -0.25f });
            }
        foreach (DType type in Types)
            for (int features = 0; features < 32; features++)
                yield return Case(Problem(type, 65, 37, 129) with
                {
                    TransposeA = (features & 1) != 0,
                    TransposeB = (features & 2) != 0,
                    Bias = (features & 4) != 0,
                    BiasType = Types[features % 3],
                    Beta = (features & 8) != 0 ? 1.5f : 0,
                    Alpha = (features & 16) != 0 ? 0.75f : 1,
                });
        foreach (DType type in Types)
        {
            yield return Case(Problem(type, 37, 65, 40) with { Batch0 = 3, Batch1 = 5 });
            yield return Case(Problem(type, 37, 65, 40) with { Batch0 = 2, Batch1 = 14, GroupB = 7, TransposeB = true });
            yield return Case(Problem(type, 1, 65, 40) with { Batch0 = 2, Batch1 = 8, GroupB = 8 });
            Placement[] placements = [.. Placement.Rows, Placement.ColumnMajor];
            foreach (Placement a in placements)
                foreach (Placement b in placements)
                    yield return Case(Problem(type, 33, 47, 29) with { Batch0 = 2, Batch1 = 2, Beta = 0.5f }, CaseSize.Normal, a, b);
        }
        foreach (VerificationCase activated in Activated(CaseSize.Normal, 130, 137, 65)) yield return activated;
        foreach (DType a in Types)
            foreach (DType b in Types)
                foreach (DType c in Types)
                    if (a != b || b != c) yield return Case(Problem(a, 33, 47, 65) with { TypeB = b, TypeC = c });
    }

    private static MatmulProblem Problem(DType type, int m, int n, int k) => new() { Type = type, M = m, N = n, K = k };

    private static MatmulCase Case(MatmulProblem problem, CaseSize size = CaseSize.Normal, Placement? a = null, Placement? b = null)
    {
        CaseOptions options = new() { Placement = a ?? Placement.Dense };
        Placement placementB = b ?? options.Placement;
        return new MatmulCase(problem, options, CaseNames.Of(problem, options.Placement, placementB), size) { PlacementB = placementB };
    }
}
