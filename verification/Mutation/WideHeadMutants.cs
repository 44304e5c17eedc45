namespace AttnKernels.Verification;

/// <summary>Faults in attention with heads that no tile holds whole.</summary>
internal static class WideHeadMutants
{
    private const string Forward = "kernels/Attention/FlashForward.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string Vectors = "kernels/Policies/VectorForm.cs";
    private const string Likely = "attention float32 d512, attention float32 d300";
    private const string Turning = "attention float32 d300, attention float32 d515";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("chunks.keys-of-the-first", Forward, "args.Keys.LoadKeys(keys, j, Bc, first, end, column,",
            "args.Keys.LoadKeys(keys, j, Bc, first, end, 0,", "every chunk multiplies the first columns of K", Likely),
        new("chunks.values-of-the-first", Forward, "first, end, chunk, args.HeadDimV,", "first, end, 0, args.HeadDimV,",
            "every group multiplies the first columns of V", Likely),
        new("chunks.output-of-the-first", Forward, "at.Head<T, TKeys>(args.O) + chunk;", "at.Head<T, TKeys>(args.O);",
            "every group writes the first columns of O", Likely),
        new("chunks.last-dropped", Forward, "column < args.HeadDim; column += ",
            "column + FlashTile<TTile>.HeadDim <= args.HeadDim; column += ", "a chunk that is not full is left out of S", Likely),
        new("chunks.no-barrier", Forward, "Group.Barrier(); // sQ, sKV and sP: the previous chunk, or the previous tile, has been read", "",
            "a chunk is written while the previous one is read", Likely),
        new("chunks.turned-before-stored", Keys, "Group.Barrier(); // sQ and sK hold the rows as they are stored", "",
            "elements turn while others store them as they were", Turning),
        new("chunks.keys-divided-by-queries", Keys, "            sRow.From(QueryRows));", "            sRow);",
            "keys are divided by the lengths of queries", "attention float32 d300 cosine"),
        new("chunks.turned-the-other-way", Vectors, "isFirst ? x * cos - other * sin : x * cos + other * sin", "x * cos + other * sin",
            "both elements of a pair turn alike", Turning),
        new("chunks.pair-of-interleaved", Vectors, "int step = isInterleaved ? 1 : pairs;", "int step = pairs;",
            "interleaved pairs are taken for half-split ones", Turning),
        new("chunks.rest-turns", Vectors, "        if (column >= RotaryDim) return x;\n", "",
            "elements past the rotary dim turn, too", Turning),
    ];
}
