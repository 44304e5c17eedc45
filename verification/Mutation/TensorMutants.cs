namespace AttnKernels.Verification;

/// <summary>Faults in the kernels for tensor cores: fragments, copies under way, stages, swizzled tiles.</summary>
internal static class TensorMutants
{
    private const string Forward = "kernels/Attention/TensorFlashForward.cs";
    private const string Column = "kernels/Primitives/TensorColumn.cs";
    private const string Columns = "kernels/Primitives/TensorColumns.cs";
    private const string Square = "kernels/Primitives/TensorSquare.cs";
    private const string Rows = "kernels/Primitives/TensorRows.cs";
    private const string Lane = "kernels/Primitives/LaneTile.cs";
    private const string Copy = "kernels/Primitives/TileCopy.cs";
    private const string Keys = "kernels/Primitives/KeyTiles.cs";
    private const string Packed = "kernels/Policies/PackedKeys.cs";
    private const string Swizzle = "kernels/Primitives/SwizzledTile.cs";
    private const string Matmul = "kernels/Matmul/TensorMatmul.cs";
    private const string Operands = "kernels/Policies/TensorOperands.cs";
    private const string Block = "kernels/Primitives/TensorBlock.cs";
    private const string Product = "matmul float16";
    private const string Steps = "matmul float16 17x40x129";
    private const string Any = "attention float16";
    private const string Whole = "attention float16 q130 k500";
    private const string Rising = "attention float16 q70 k150";
    private const string Tiles = "attention float16 q21 k150";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Copies and barriers.
        new("tensor.no-wait-for-keys", Forward, "TensorCore.WaitForCopies();\n        Group.Barrier(); // K_j is", "Group.Barrier(); // K_j is",
            "K_j is read while it is copied", Whole),
        new("tensor.no-barrier-after-keys", Forward, "Group.Barrier(); // K_j is there (and Q); V of the tile before has been read", "",
            "K_j is read while other lanes copy it", Whole),
        new("tensor.no-wait-for-values", Forward, "TensorCore.WaitForCopies();\n        Group.Barrier(); // V_j is", "Group.Barrier(); // V_j is",
            "V_j is read while it is copied", Whole),
        new("tensor.no-barrier-after-values", Forward, "Group.Barrier(); // V_j is there; K_j has been read", "",
            "V_j is read while other lanes copy it", Whole),
        new("tensor.no-barrier-before-cut-values", Forward, "Group.Barrier(); // V of the tile before has been read", "",
            "V is copied over what is read", Tiles),
        new("tensor.no-wait-for-cut-tile", Forward, "TensorCore.WaitForCopies();\n        Group.Barrier(); // K_j and V_j", "Group.Barrier(); // K_j and V_j",
            "K_j and V_j are read while they are copied", Tiles),
        new("tensor.no-barrier-after-cut-tile", Forward, "Group.Barrier(); // K_j and V_j are there (and Q)", "",
            "K_j and V_j are read while other lanes copy them", Tiles),
        new("tensor.no-barrier-before-next-keys", Forward, "Group.Barrier(); // K_j has been read", "",
            "the next K is copied over what is read", Tiles),
        new("tensor.no-barrier-before-output", Forward, "Group.Barrier(); // Q_i has been read", "", "O is stored over Q while it is read", Whole),
        new("tensor.no-barrier-after-output", Forward, "Group.Barrier(); // O_i is in shared memory", "", "O is read while it is stored", Any),
        new("tensor.queries-not-awaited", Forward, "        TensorCore.WaitForCopies(); // of Q, where there was no key\n", "",
            "O is stored over Q while it is copied", "attention float16 lengths-with-0"),
        new("tensor.one-key-row-early", Copy, "            StartWhole(rows);\n            return;", "            at -= stride;\n            StartWhole(rows);\n            return;",
            "a whole tile begins a row early", Whole),
        new("tensor.third-step-is-second", Copy, "StartTwo(data, 2, 2 * step);", "StartTwo(data, 1, 2 * step);",
            "rows of a tile are loaded twice", Whole),
        new("tensor.later-steps-are-first", Copy, "            data = data.From(4 * step * stride);\n", "", "the second half of a tile is the first", "attention float16 q130"),
        new("tensor.part-tiles-not-passed", Copy, "chunks);\n        at += (long)rows * stride;", "chunks);", "the tile after one that is cut is that one",
            Whole),
        new("tensor.skipped-tiles-not-passed", Forward, "            if (TScore.IsGeneral) tiles.MoveTo(j);\n", "", "K and V of a tile that was skipped",
            "attention float16 documents"),
        new("tensor.padding-copied", Copy, "int isRead = 8 * chunk < columns ? 1 : 0;", "int isRead = 1;",
            "columns past the head dim are those of the next row", "attention float16 d40"),
        new("tensor.odd-lines-copied", Copy, "source.IsWide != 0 && (columns & 7) == 0", "(columns & 7) == 0",
            "rows that start at no multiple of 16 bytes are copied in chunks", "attention float16 bhsd+3"),
        new("tensor.part-rows-copied-whole", Copy, "IsWide && row0 >= firstRow && row0 + rows <= endRow", "IsWide && row0 >= firstRow",
            "rows past the end are read", Any),
        new("tensor.rows-past-the-end-read", Swizzle, "row >= firstRow && row < endRow && column", "row >= firstRow && column",
            "keys past the end are not zero-filled", Any),
        new("tensor.columns-past-the-end-read", Swizzle, "row < endRow && column < endColumn;", "row < endRow;",
            "columns past the head dim are not zero-filled", Any),
        new("tensor.tail-dropped", Swizzle, "step, count - 6));", "step, count - 7));",
            "an element of a row's last chunk is lost", Any),
        new("tensor.copy-not-swizzled", Swizzle, "offset + Index(r, chunk, chunks);", "offset + r * chunks + chunk;",
            "chunks are copied to where nobody looks for them", Any),

        // Rows that are looked up, and packed ones.
        new("tensor.values-where-keys-lie", Keys, "(Group.IdxX & 16) == 0 ? keys.Place(entry, inEntry) : values.Place(entry, inEntry);",
            "keys.Place(entry, inEntry);", "V's rows are as far apart as K's", "attention float16 paged"),
        new("tensor.values-told-by-lanes-of-keys", Keys, "else values.StartFound(found, 16, rows);", "else values.StartFound(found, 0, rows);",
            "whole tiles of V lie where K does", "attention float16 paged d64:40"),
        new("tensor.block-of-the-last-tile", Forward, "        tiles.LookAhead(args.Keys, j + Bc, span.End);\n", "", "a tile lies in the blocks of the first", "attention float16 paged"),
        new("tensor.block-a-tile-early", Forward, "tiles.LookAhead(args.Keys, j + Bc, span.End);", "tiles.LookAhead(args.Keys, j, span.End);",
            "a tile lies in the blocks of the one before", "attention float16 paged"),
        new("tensor.found-once-for-two-steps", Copy, "Warp.Shuffle(found, n + 32 / chunks);", "Warp.Shuffle(found, n);", "two steps copy the same rows", "attention float16 paged"),
        new("tensor.found-later-steps-are-first", Copy, "            n += 4 * rowsOfStep;\n", "", "later rows of a tile are the first", "attention float16 paged d192"),
        new("tensor.found-by-the-first-warp", Copy, "Group.IdxX / 32 * (32 / chunks) + n", "n", "every warp copies what the first does", "attention float16 paged"),
        new("tensor.block-not-times-stride", Copy, "entry * (int)(source.EntryStride >> 3)", "entry", "blocks lie a chunk apart", "attention float16 paged"),
        new("tensor.elements-of-block-0", Copy, "long at = start + entry * source.EntryStride", "long at = start",
            "rows that are loaded element by element lie in block 0", "attention float16 paged bhsd+3"),
        new("tensor.packed-keys-of-entry-0", Packed, "        rows.Start += row * rows.RowStride;\n", "", "every sequence has the first keys", "attention float16 packed"),
        new("tensor.longest-for-all", Forward, "i0, Br, at.SeqQ, args.HeadDimV", "i0, Br, args.SeqQ, args.HeadDimV", "a sequence writes rows of the next one",
            "attention float16 packed"),
        new("tensor.sequence-a-key-short", Packed, "Clamp(Kv[KvOffset + at.B + 1] - place.Row, 0", "Clamp(Kv[KvOffset + at.B + 1] - place.Row - 1, 0",
            "the last key of a sequence is lost", "attention float16 packed"),

        // Products.
        new("tensor-matmul.no-wait", Matmul, "            TensorCore.WaitForOlderCopies();\n", "", "a stage is read while it is copied", Product),
        new("tensor-matmul.no-barrier", Matmul, "Group.Barrier(); // this stage is there, and the free one has been read", "",
            "a stage is read while other lanes copy it", Product),
        new("tensor-matmul.no-commit", Matmul, "        TensorCore.CommitCopies();\n", "", "no batch is ever waited for", Product),
        new("tensor-matmul.stage-not-free", Matmul, "            free = stage;\n", "", "every step is copied into the last stage", Steps),
        new("tensor-matmul.one-step-early", Matmul, "k + 2 * BK, sTiles, free", "k + BK, sTiles, free", "every other step comes twice", Steps),
        new("tensor-matmul.b-over-a", Matmul, "args.N, args.K, sTiles, stage + StageB", "args.N, args.K, sTiles, stage", "B is copied over A", Product),
        new("tensor-matmul.half-a-step", Matmul, "                Multiply(ref sum, sTiles, stage, row, column, 16);\n", "",
            "half of K is left out", Product),
        new("tensor-matmul.warps-past-n", Matmul, "m0 + row < args.M && n0 + column < args.N;", "m0 + row < args.M && n0 + column + 32 <= args.N;",
            "a warp that C's edge cuts computes nothing", Product),
        new("tensor-matmul.rows-exchanged", Matmul, "isLower ? sum.X : sum.Z", "isLower ? sum.Z : sum.X", "lanes keep what they should give", Product),
        new("tensor-matmul.columns-exchanged", Matmul, "n += 2 * (Group.IdxX & 2);", "n += 4 * (Group.IdxX & 1);", "columns 4 to 7 of eight lie where 0 to 3 belong", Product),
        new("tensor-matmul.columns-not-moved-left", Block, "        C1 = C2;\n", "", "columns 16 to 23 are columns 8 to 15", Product),
        new("tensor-matmul.batch-of-b", Matmul, "args.B.Batch(b0, b1 / args.GroupB)", "args.B.Batch(b0, b1)", "B is not shared by its group", "matmul float16 16x17x24"),
        new("tensor-matmul.fragment-twice", Block, "R3.Add(a3, left, right);", "R3.Add(a2, left, right);", "rows 48 to 63 are rows 32 to 47", Product),
        new("tensor-matmul.right-is-left", Block, "C2 = TElement.Multiply(C2, a, right.X, right.Y);", "C2 = TElement.Multiply(C2, a, left.X, left.Y);",
            "columns 16 to 23 are columns 0 to 7", Product),
        new("tensor-matmul.transposed-rows", Operands, "int row = k + (lane & 7) + 8 * (lane >> 4);", "int row = k + (lane & 15);",
            "the quarters of a transposed A in the wrong registers", "matmul float16 TN"),
        new("tensor-matmul.odd-lines-copied", Operands, "source.Batch1Stride | source.KStride |", "source.Batch1Stride |",
            "rows that start at no multiple of 16 bytes are copied in chunks", "matmul float16 bhsd+4"),

        // Fragments of attention.
        new("tensor.rows-twice", Lane, "Group.IdxX & 15, (Group", "Group.IdxX & 7, (Group", "rows 8 to 15 of Q and V are rows 0 to 7", Any),
        new("tensor.columns-twice", Lane, "(Group.IdxX >> 4) & 1, chunks);", "0, chunks);", "columns 8 to 15 of Q and V are columns 0 to 7", Any),
        new("tensor.keys-as-values", Lane, "(Group.IdxX & 7) + ((Group.IdxX >> 1) & 8)", "Group.IdxX & 15", "K's matrices in V's order", Any),
        new("tensor.key-columns-twice", Lane, "(Group.IdxX >> 3) & 1, chunks);", "0, chunks);", "elements 8 to 15 of K are elements 0 to 7", Any),
        new("tensor.swizzle-added", Lane, "lane ^ (chunk & 7)", "lane + (chunk & 7)", "the swizzle of a chunk is added", "attention float16 d40"),
        new("tensor.far-chunks-near", Lane, "row * chunks + (chunk & ~7)", "row * chunks", "the right half of a row is the left", "attention float16 d128"),
        new("tensor.values-not-transposed", Lane, "TensorCore.LoadTransposed(", "TensorCore.LoadMatrices(", "V is not transposed", Any),
        new("tensor.query-block-twice", Column, "below = sQ.Load(16, chunk);", "below = q;", "the warp's lower rows of Q are its upper ones", Whole),
        new("tensor.weight-block-twice", Column, "below = bottom.Operand();", "below = top.Operand();", "the lower rows take the weights of the upper", Whole),
        new("tensor.head-halves-alike", Columns, "TColumns.Multiply(ref s, sQ, sK, chunk + TColumns.Columns / 8);", "TColumns.Multiply(ref s, sQ, sK, chunk);",
            "the right half of the head dim is the left", "attention float16 d40"),
        new("tensor.weights-packed-by-rows", Square, "TElement.Pack(left.Z, left.W), TElement.Pack(right.X, right.Y), TElement",
            "TElement.Pack(right.X, right.Y), TElement.Pack(left.Z, left.W), TElement", "P's quarters in the wrong registers", Any),
        new("tensor.key-block-twice", Columns, "Right.AddDots(q, below, sK, row + TColumns.Columns", "Right.AddDots(q, below, sK, row",
            "the scores of the second half of the keys are those of the first", Any),
        new("tensor.value-block-twice", Columns, "Right.AddTo(ref output, sV, row + TColumns.Columns", "Right.AddTo(ref output, sV, row",
            "the weights of the second half meet the values of the first", Any),

        // The online softmax.
        new("tensor.output-not-rescaled", Rows, "            o.Scale(alpha);\n", "", "O keeps the scale of the old maximum", Rising),
        new("tensor.maximum-not-kept", Rows, "            M = m;\n", "", "m stays -infinity", Any),
        new("tensor.lower-block-not-raised", Rows, "isRaised = isRaised || m.Bottom", "isRaised = isRaised && m.Bottom",
            "maxima of lower rows rise only with those of upper ones", Rising),
        new("tensor.sum-not-rescaled", Rows, "        l.Lower *= alpha.Lower;\n", "", "l keeps the scale of the old maximum", Rising),
        new("tensor.maximum-never-follows", Rows, "Lag = 8f", "Lag = 1000f", "weights overflow", Rising),
        new("tensor.half-a-quad-of-maxima", Rows, "return SpecialMath.Max(value, Warp.ShuffleXor(value, 2));", "return value;",
            "the lanes of a row disagree about its maximum", Any),
        new("tensor.half-a-quad-of-sums", Rows, "return value + Warp.ShuffleXor(value, 2);", "return value;", "l lacks half of the keys", Any),
        new("tensor.half-the-columns-summed", Square, "(left.X + left.Y) + (right.X + right.Y)", "(left.X + left.Y)",
            "l lacks every second eight keys", Any),
        new("tensor.sink-does-not-rescale", Forward,
            "if (TScore.IsGeneral) scale *= SpecialMath.Exp2(m - SpecialMath.FiniteMax(state.M));", "",
            "O keeps the scale of the maximum without the sink", "attention float16 sinks"),
        new("tensor.sum-past-the-end-written", Forward, "(Group.IdxX & 3) == 0 && i < at.SeqQ)", "(Group.IdxX & 3) == 0)",
            "LSE of rows past the last query is written", Any),
        new("tensor.lower-rows-unfinished", Forward, "i + 24, rows.M.Bottom.Lower", "i + 16, rows.M.Bottom.Lower", "rows 24 to 31 overwrite LSE of 16 to 23", Whole),
        new("tensor.rows-past-the-end-written", Swizzle, "row0 + r >= endRow || 8 * chunk >= columns", "8 * chunk >= columns",
            "rows past the last query are written", Any),
        new("tensor.odd-column-written", Swizzle, "if (count > 1) data[at + 1] = ", "data[at + 1] = ", "a column past headDimV is written", Any),
        new("tensor.output-not-swizzled", Square, "sPairs[lower + ((column + 4) ^ swizzle)]", "sPairs[lower + column + 4]",
            "O is stored where nobody looks for it", Any),

        // Which pairs count.
        new("tensor.diagonal-tile-not-masked", Forward, "j + Bc <= span.EndOfFirst)", "j < span.EndOfFirst)",
            "a tile that the diagonal cuts is taken as whole", "attention float16 causal"),
        new("tensor.whole-tile-left-of-window", Forward, "j >= span.FirstOfLast && ", "", "a tile that starts before the window is taken as whole", Whole),
        new("tensor.odd-lines-in-whole-tiles", Forward, "if (!tiles.IsWide) span.EndOfFirst = 0;", "", "odd lines are copied in chunks",
            "attention float16 bhsd+3"),
        new("tensor.warp-left-out-by-first-row", Forward, "j < args.Band.End(iLast,", "j < args.Band.End(i,",
            "a warp leaves out keys that its later rows see", "attention float16 causal"),
        new("tensor.warp-left-out-by-window", Forward, "j + Bc > args.Band.First(i, at", "j + Bc > args.Band.First(iLast, at",
            "a warp leaves out keys that its first rows see", Whole),
        new("tensor.lower-row-misplaced", Square, "ScoreRow.Of(at, i + 8)", "ScoreRow.Of(at, i)", "rows 8 to 15 get the masks of rows 0 to 7", Tiles),
        new("tensor.lower-block-misplaced", Column, "bottom.ApplyScore(score, at, i + 16, j);", "bottom.ApplyScore(score, at, i, j);",
            "rows 16 to 31 get the masks of rows 0 to 15", Whole),
        new("tensor.columns-misplaced", Square, "new(j, j + 1, j + 8,", "new(j, j + 1, j + 2,",
            "a score gets the mask of another key", Tiles),
        new("tensor.tile-judged-by-first-key", Forward, "span.I0, span.ILast, j, Math.Min(j + Bc, span.End) - 1)", "span.I0, span.ILast, j, j)",
            "a tile whose first key is hidden is skipped", "attention float16 documents"),
        new("tensor.zero-weight-does-not-hide", Forward, "bool mustHide = Group.BarrierOr(HasNonFinite(sV));", "bool mustHide = false;",
            "0 * NaN of a masked value reaches O", "attention float16 visible-nan"),
        new("tensor.hidden-weights-of-even-keys", Square, "Warp.Shuffle((key & 1) == 0 ? c.X : c.Y, owner)", "Warp.Shuffle(c.X, owner)",
            "beside a NaN, odd keys have the weights of even ones", "attention float16 visible-nan"),
        new("tensor.hidden-weights-of-first-keys", Columns, "return Right.Weight(key - TColumns.Columns);", "return Left.Weight(key - TColumns.Columns);",
            "beside a NaN, later keys have the weights of earlier ones", "attention float16 visible-nan"),
    ];
}
