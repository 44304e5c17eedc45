namespace AttnKernels.Verification;

/// <summary>Faults where the rows of several heads share a tile, and where keys are split, on tensor cores.</summary>
internal static class SharedTileMutants
{
    private const string Forward = "kernels/Attention/TensorFlashForward.cs";
    private const string Position = "kernels/Attention/FlashPosition.cs";
    private const string Heads = "kernels/Policies/TileHeads.cs";
    private const string Parts = "kernels/Policies/SplitParts.cs";
    private const string Row = "kernels/Policies/ScoreRow.cs";
    private const string Masks = "kernels/Policies/TileMasks.cs";
    private const string Swizzle = "kernels/Primitives/SwizzledTile.cs";
    private const string Square = "kernels/Primitives/TensorSquare.cs";
    private const string Column = "kernels/Primitives/TensorColumn.cs";
    private const string Columns = "kernels/Primitives/TensorColumns.cs";
    private const string Formats = "kernels/Policies/TensorFormats.cs";
    private const string Merge = "kernels/Attention/MergeParts.cs";
    private const string Shared = "attention float16 h8:1 q5 k150, attention float16 h4:2 q33";
    private const string Several = "attention float16 h3:1 q70 k141";
    private const string Terms = "attention float16 h5:1 q13";
    private const string Split = "attention float16 h4:1 q8 k1100";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("shared-tile.query-twice-as-late", Heads, "* Inverse >> 31)", "* Inverse >> 30)",
            "a row is divided by half of the heads", Shared),
        new("shared-tile.head-of-every-row", Heads, "row - Query(row) * Count", "0",
            "LSE of all heads lies where the first one's does", Shared),
        new("shared-tile.score-of-the-first-head", Row, "found.H += row - query * at.Heads.Count;", "",
            "every row has the slope, bias and scale of the first head", Terms),
        new("shared-tile.row-taken-for-query", Row, "ScoreRow found = Of(at, query);", "ScoreRow found = Of(at, row);",
            "the masks are those of a later query", Shared),
        new("shared-tile.span-of-rows", Position, "int first = at.Heads.Query(i0), last = at.Heads.Query(span.ILast);",
            "int first = i0, last = span.ILast;", "a tile's keys are those of later queries", Several),
        new("shared-tile.last-row-of-one-head", Position, "span.ILast = Math.Min(i0 + br, at.Rows) - 1;",
            "span.ILast = Math.Min(i0 + br, at.SeqQ) - 1;", "the last keys of the last queries are left out", Shared),
        new("shared-tile.next-group-of-heads", Position, "(head - b * args.Heads.Tiled) * args.Heads.Count, out keys);",
            "head - b * args.Heads.Tiled, out keys);", "a tile has the heads of its neighbour", "attention float16 h8:2 q16"),
        new("shared-tile.sequence-as-long-as-one-head", Forward, "if (TKeys.HasSequences && i0 >= at.Rows) return;",
            "if (TKeys.HasSequences && i0 >= at.SeqQ) return;", "the last tiles of a sequence are not computed",
            "attention float16 packed h8:2 q64"),
        new("shared-tile.warp-past-the-last-query", Forward, "WarpRows, at.Rows) - 1);", "WarpRows, at.SeqQ) - 1);",
            "a warp leaves out keys that its rows see", Several),
        new("shared-tile.queries-side-by-side", Swizzle, "(row - query * heads.Count) * rows.EntryStride", "row - query * heads.Count",
            "heads lie an element apart", Shared),
        new("shared-tile.queries-past-the-last", Swizzle, "bool isRead = row0 + r < endRow && 8 * chunk", "bool isRead = 8 * chunk",
            "rows past the last query are read", Shared),
        new("shared-tile.head-padding-copied", Swizzle, "row0 + r < endRow && 8 * chunk < columns;", "row0 + r < endRow;",
            "columns past the head dim are those of the next row", "attention float16 h4:2 q33"),
        new("shared-tile.odd-lines-of-heads", Swizzle, "bool isWide = source.IsWide != 0 && (columns", "bool isWide = (columns",
            "rows that start at no multiple of 16 bytes are copied in chunks", "attention float16 bhsd+3 h6:2 q7"),
        new("shared-tile.sink-of-the-first-head", Forward, "args.Score.Sink(h)", "args.Score.Sink(at.H)", "all heads have one sink",
            "attention float16 h71:1, attention float16 h5:1 q13"),
        new("shared-tile.blocks-of-the-first-head", Masks, "head < h + heads; head++)", "head < h + 1; head++)",
            "keys that only other heads see are skipped", "attention float16 h4:1 q9 blocks5x32[bh]"),

        // Parts of split keys.
        new("split.keys-of-the-next-split", Position, "        End = Math.Min(End, end);\n", "",
            "a split has the keys of later ones, too", Split),
        new("split.keys-of-the-split-before", Position, "        First = Math.Max(First, first);\n", "",
            "a split has the keys of earlier ones, too", Split),
        new("split.whole-tiles-of-the-next-split", Position, "        EndOfFirst = Math.Min(EndOfFirst, end);\n", "",
            "whole tiles of keys go on past the split", Split),
        new("split.parts-over-each-other", Parts, "(long)split * args.Batch + b", "(long)b",
            "every split is written where the first is", Split),
        new("split.sums-past-the-last", Forward, "(Group.IdxX & 3) == 0 && i < at.SeqQ) args.Parts", "(Group.IdxX & 3) == 0) args.Parts",
            "m and l of rows past the last query are written", Split),
        new("split.row-of-the-first-head", Forward, "at.H + at.Heads.Head(last), at", "at.H, at",
            "parts of O of all heads lie where the first one's does", Split),
        new("split.rows-past-the-last", Forward, "row < at.Rows ? args.Parts.OStride - first : 0;",
            "args.Parts.OStride - first;", "rows past the last one overwrite it", Split),
        new("split.columns-past-the-last", Forward, "args.Parts.OStride - first : 0;", "args.Parts.OStride + 8 : 0;",
            "columns past a part's last overwrite the next row", Split),
        new("split.every-lane-at-the-first-pair", Forward, "* args.Parts.OStride + first;", "* args.Parts.OStride;",
            "four lanes write the same columns", Split),
        new("split.right-half-is-left", Columns, "Right.Store(block, upper, lower, column + TLeft.Columns);",
            "Right.Store(block, upper, lower, column);", "the right half of O lies where the left does", Split),
        new("split.lower-rows-are-upper", Square, "TFormat.StoreFloats(lower, column, new F4(left.Z, left.W,",
            "TFormat.StoreFloats(lower, column, new F4(left.X, left.Y,",
            "rows 8 to 15 are rows 0 to 7", Split),
        new("split.lower-block-is-upper", Column, "else bottom.Store(upper, lower, column);", "else top.Store(upper, lower, column);",
            "rows 16 to 31 are rows 0 to 15", "attention float16 h8:1 q16 k1100"),
        new("split.columns-of-tf32", Formats, "[column / 4] = new F4(values.X, values.Z, values.Y, values.W)", "[column / 4] = values",
            "columns 1 and 2 of four change places in a part of O", "attention float32 h4:1 q8 k600"),
        new("split.parts-normalised", Forward, "            return 1f;\n", "            return 1f / state.L;\n",
            "parts of O are divided by their sums, which count once more", Split),
        new("split.sink-as-an-exponent", Merge, "args.Sinks[args.SinksOffset + at.H] * args.SinkFactor",
            "args.Sinks[args.SinksOffset + at.H]", "a sink is a natural exponent beside a base-2 one",
            "attention float16 h4:1 q8 k1100 sinks, attention float16 h4:1 q8 k600 sinks"),
    ];
}
