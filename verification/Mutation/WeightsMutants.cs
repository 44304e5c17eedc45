namespace AttnKernels.Verification;

/// <summary>Faults in the weights of chosen rows: kernels/Attention/RowWeights.cs and kernels/Simd/Weights.</summary>
internal static class WeightsMutants
{
    private const string Device = "kernels/Attention/RowWeights.cs";
    private const string Simd = "kernels/Simd/Weights/RowWeights.cs";
    private const string Likely = "attention float32 weights-of-5";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("weights.lse-of-query-0", Device, " * args.Flash.SeqQ + at.I];", " * args.Flash.SeqQ];",
            "every row takes the LSE of its head's first", Likely),
        new("weights.rows-dense", Device, "at.Row * args.RowsStride", "at.Row * 3",
            "the list of rows is read as if it had no gaps", Likely),
        new("weights.rows-of-p-dense", Device, "at.Row * args.PStride", "at.Row * args.Flash.SeqKv",
            "P is written as if it had no gaps", Likely),
        new("weights.hidden-key-weighs", Device, "return score == float.NegativeInfinity ? 0f : ", "return ",
            "a hidden key of a row that sees none is NaN", Likely),
        new("weights.outside-the-band", Device, "if (j < at.First || j >= at.End) return 0f;", "",
            "keys outside the band get a weight", Likely),
        new("weights.later-tiles-shifted", Device, "at.Key0 = (Grid.IdxX - at.Row * args.Tiles) * TileKeys;", "at.Key0 = 0;",
            "keys past the first tile have no weight", Likely),
        new("weights.no-barrier", Device, "        Group.Barrier(); // sPart holds the parts of the dot products\n", "",
            "dot products are read while they are written", Likely),
        new("simd.weights.rest-not-cleared", Simd, "new Span<float>(p + end, endKey - end).Clear();", "",
            "keys past the band keep what was there", Likely),
        new("simd.weights.lse-of-query-0", Simd, "* args.SeqQ + query];", "* args.SeqQ];",
            "every row takes the LSE of its head's first", Likely),
        new("simd.weights.hidden-key-weighs", Simd, "float.IsNegativeInfinity(p[key]) ? 0 : MathF.Exp(p[key] - lse)",
            "MathF.Exp(p[key] - lse)",
            "a hidden key of a row that sees none is NaN", Likely),
        new("simd.weights.key-head", Simd, "head / (args.HeadsQ / args.HeadsKv)", "head % args.HeadsKv",
            "query heads read another key head", Likely),
    ];
}
