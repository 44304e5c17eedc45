namespace AttnKernels.Verification;

/// <summary>Faults in the weights of chosen rows: kernels/Attention/RowWeights.cs and kernels/Simd/Weights.</summary>
internal static class WeightsMutants
{
    private const string Device = "kernels/Attention/RowWeights.cs";
    private const string Simd = "kernels/Simd/Weights/RowWeights.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string Turning = "attention float32 weights-of-5 rotary-, attention float32 weights-of-5 cosine";
    private const string Likely = "attention float32 weights-of-5";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("weights.lse-of-query-0", Device, "head.LseHead(args.Flash, h) + at.I]", "head.LseHead(args.Flash, h)]",
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
        new("weights.rows-do-not-turn", Device,
            "if (args.Flash.Keys.Vectors.IsPresent != 0) TurnedDots(args, at, head, keys, sPart);\n        else Dots(", "Dots(",
            "Q and K are compared as they are stored", Turning),
        new("weights.lanes-overlap", Keys, "for (int d = lane; d < columns; d += lanes) sum", "for (int d = lane; d < columns; d++) sum",
            "elements count for several lanes", Turning),
        new("weights.turned-at-row-0", Keys, "Vectors.OfQueries(at, i), ofKey", "Vectors.OfQueries(at, 0), ofKey",
            "every query turns by the position of the first", Turning),
        new("simd.weights.entry-0", Simd, "Sequences.Alone(weights.Attention, row[0])", "Sequences.Alone(weights.Attention, 0)",
            "every row is one of the first batch entry", Likely),
        new("simd.weights.query-does-not-turn", Simd,
            "        if (args.Vectors.ArePresent) "
                + "VectorRow<W, V>.Apply(args.Vectors, scratch, args.HeadDim, args.Vectors.OfQuery(0, query, shift));\n", "",
            "a query is compared as it is stored", Turning),
        new("simd.weights.keys-do-not-turn", Simd,
            "                if (args.Vectors.ArePresent) "
                + "VectorRow<W, V>.ApplyToKeys(args.Vectors, 0, key, count, args.HeadDim, widened, step);\n", "",
            "keys are compared as they are stored", Turning),
        new("simd.weights.rest-not-cleared", Simd, "new Span<float>(p + end, endKey - end).Clear();", "",
            "keys past the band keep what was there", Likely),
        new("simd.weights.lse-of-query-0", Simd, "args.LseOf(0, head)[query]", "args.LseOf(0, head)[0]",
            "every row takes the LSE of its head's first", Likely),
        new("simd.weights.hidden-key-weighs", Simd, "float.IsNegativeInfinity(p[key]) ? 0 : MathF.Exp(p[key] - lse)",
            "MathF.Exp(p[key] - lse)",
            "a hidden key of a row that sees none is NaN", Likely),
        new("simd.weights.key-head", Simd, "head / (args.HeadsQ / args.HeadsKv)", "head % args.HeadsKv",
            "query heads read another key head", Likely),
    ];
}
