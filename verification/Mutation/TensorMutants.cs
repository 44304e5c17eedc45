namespace AttnKernels.Verification;

/// <summary>Faults in the kernels for tensor cores: fragments, copies under way, stages, swizzled tiles.</summary>
internal static class TensorMutants
{
    private const string Forward = "kernels/Attention/TensorFlashForward.cs";
    private const string Column = "kernels/Primitives/TensorColumn.cs";
    private const string Columns = "kernels/Primitives/TensorColumns.cs";
    private const string Queries = "kernels/Primitives/TensorQueries.cs";
    private const string Swizzle = "kernels/Primitives/SwizzledTile.cs";
    private const string Matmul = "kernels/Matmul/TensorMatmul.cs";
    private const string Operands = "kernels/Policies/TensorOperands.cs";
    private const string Block = "kernels/Primitives/TensorBlock.cs";
    private const string Product = "matmul float16";
    private const string Steps = "matmul float16 17x40x129";
    private const string Any = "attention float16";
    private const string Tiles = "attention float16 q21 k150";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Copies and stages.
        new("tensor.no-wait-for-queries", Forward, "TensorCore.WaitForCopies();\n        Group.Barrier(); // sTiles holds Q_i",
            "Group.Barrier(); // sTiles holds Q_i", "Q_i is read while it is copied", Any),
        new("tensor.no-barrier-before-queries", Forward, "Group.Barrier(); // sTiles holds Q_i", "",
            "Q_i is read while other lanes copy it", Any),
        new("tensor.no-barrier-after-queries", Forward, "Group.Barrier(); // Q_i is in registers", "",
            "K_0 is copied over Q_i while it is read", Any),
        new("tensor.no-wait-for-keys", Forward, "TensorCore.WaitForCopies();\n            Group.Barrier(); // K_j", "Group.Barrier(); // K_j",
            "K_j and V_j are read while they are copied", Any),
        new("tensor.no-barrier-after-keys", Forward, "Group.Barrier(); // K_j and V_j are there; the other stage has been read", "",
            "K_j and V_j are read while other lanes copy them", Any),
        new("tensor.stage-not-switched", Forward, "            stage = 2 * Tile - stage;\n", "", "every tile reads the first stage", Tiles),
        new("tensor.copies-over-what-is-read", Forward, "first, end, sTiles, 2 * Tile - stage);", "first, end, sTiles, stage);",
            "the next tile is copied over this one", Tiles),
        new("tensor.values-over-keys", Forward, "args.HeadDimV, sTiles, stage + Tile, RowChunks);", "args.HeadDimV, sTiles, stage, RowChunks);",
            "V is copied over K", Any),
        new("tensor.rows-past-the-end-read", Swizzle, "row >= firstRow && row < endRow && column", "row >= firstRow && column",
            "keys past the end are not zero-filled", Any),
        new("tensor.columns-past-the-end-read", Swizzle, "row < endRow && column < endColumn;", "row < endRow;",
            "columns past the head dim are not zero-filled", Any),
        new("tensor.odd-lines-copied", Swizzle, "(source.Offset | source.BatchStride | source.HeadStride | source.RowStride | (long)columns)", "((long)columns)",
            "rows that start at no multiple of 16 bytes are copied in chunks", "attention float16 bhsd+3"),
        new("tensor.tail-dropped", Swizzle, "step, count - 6));", "step, count - 7));",
            "an element of a row's last chunk is lost", Any),
        new("tensor.copy-not-swizzled", Swizzle, "offset + Index(r, chunk, chunks);", "offset + r * chunks + chunk;",
            "chunks are copied to where nobody looks for them", Any),

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
        new("tensor.query-rows-twice", Queries, "row + (lane & 15)", "row + (lane & 7)", "rows 8 to 15 of Q are rows 0 to 7", Any),
        new("tensor.query-columns-twice", Queries, "chunk + (lane >> 4)", "chunk", "elements 8 to 15 of Q are elements 0 to 7", Any),
        new("tensor.query-block-twice", Queries, "scores, sK, offset, chunk + TQueries.Columns / 8, chunks", "scores, sK, offset, chunk, chunks",
            "the right half of Q meets the left half of K", "attention float16 k129 d64"),
        new("tensor.keys-as-values", Column, "(lane & 7) + 8 * (lane >> 4)", "lane & 15", "K's matrices in V's order", Any),
        new("tensor.key-columns-twice", Column, "chunk + ((lane >> 3) & 1)", "chunk", "elements 8 to 15 of K are elements 0 to 7", Any),
        new("tensor.values-not-transposed", Column, "TensorCore.LoadTransposed(", "TensorCore.LoadMatrices(", "V is not transposed", Any),
        new("tensor.value-columns-twice", Column, "chunk + (lane >> 4), chunks));", "chunk, chunks));", "columns 8 to 15 of V are columns 0 to 7", Any),
        new("tensor.weights-packed-by-rows", Column, "TElement.Pack(left.Z, left.W), TElement.Pack(right.X, right.Y), TElement",
            "TElement.Pack(right.X, right.Y), TElement.Pack(left.Z, left.W), TElement", "P's quarters in the wrong registers", Any),
        new("tensor.key-block-twice", Columns, "Right.AddDots(q, sK, offset, row + TColumns.Columns", "Right.AddDots(q, sK, offset, row",
            "the scores of the second half of the keys are those of the first", Any),
        new("tensor.value-block-twice", Columns, "Right.AddTo(ref output, sV, offset, row + TColumns.Columns", "Right.AddTo(ref output, sV, offset, row",
            "the weights of the second half meet the values of the first", Any),

        // The online softmax.
        new("tensor.output-not-rescaled", Forward, "            o.Scale(alphaUpper, alphaLower);\n", "", "O keeps the scale of the old maximum", Tiles),
        new("tensor.rescales-exchanged", Forward, "o.Scale(alphaUpper, alphaLower);", "o.Scale(alphaLower, alphaUpper);",
            "the rows 8 apart exchange their scales", Tiles),
        new("tensor.sum-not-rescaled", Forward, "            lLower *= alphaLower;\n", "", "l keeps the scale of the old maximum", Tiles),
        new("tensor.half-a-quad-of-maxima", Forward, "return SpecialMath.Max(value, Warp.ShuffleXor(value, 2));", "return value;",
            "the lanes of a row disagree about its maximum", Any),
        new("tensor.half-a-quad-of-sums", Forward, "return value + Warp.ShuffleXor(value, 2);", "return value;",
            "l lacks half of the keys", Any),
        new("tensor.half-the-columns-summed", Column, "(left.X + left.Y) + (right.X + right.Y)", "(left.X + left.Y)",
            "l lacks every second eight keys", Any),
        new("tensor.sink-does-not-rescale", Forward,
            "if (TScore.IsGeneral) scale *= SpecialMath.Exp2((m - SpecialMath.FiniteMax(state.M)) * factor);", "",
            "O keeps the scale of the maximum without the sink", "attention float16 sinks"),
        new("tensor.rows-past-the-end-written", Forward, "        if (i >= args.SeqQ) return;\n", "", "rows past the last query are written", Any),
        new("tensor.lower-row-written-twice", Forward, "Write(args, at, i + 8, t,", "Write(args, at, i, t,", "rows 8 to 15 are never written", Any),
        new("tensor.odd-column-written", Column, "if (column + 1 < columns) o.Data[at + 1]", "o.Data[at + 1]", "a column past headDimV is written", Any),

        // Which pairs count.
        new("tensor.diagonal-tile-not-masked", Forward, "j + Bc <= endOfFirst;", "j < endOfFirst;",
            "a tile that the diagonal cuts is taken as whole", "attention float16 causal"),
        new("tensor.whole-tile-left-of-window", Forward, "j >= firstOfLast && ", "", "a tile that starts before the window is taken as whole", Tiles),
        new("tensor.lower-row-misplaced", Column, "int below = i + 8;", "int below = i;", "rows 8 to 15 get the masks of rows 0 to 7", Tiles),
        new("tensor.columns-misplaced", Column, "right.X, i, j + 8, first, end)", "right.X, i, j + 2, first, end)",
            "a score gets the mask of another key", Tiles),
        new("tensor.tile-judged-by-first-key", Forward, "i0, iLast, j, Math.Min(j + Bc, end) - 1)", "i0, iLast, j, j)",
            "a tile whose first key is hidden is skipped", "attention float16 documents"),
        new("tensor.zero-weight-does-not-hide", Forward, "if (!isWhole) mustHide = Group.BarrierOr(HasNonFinite(sTiles, stage + Tile));", "",
            "0 * NaN of a masked value reaches O", "attention float16 visible-nan"),
        new("tensor.hidden-weights-of-even-keys", Forward, "int shift = 16 * (key & 1);", "int shift = 0;",
            "beside a NaN, odd keys have the weights of even ones", "attention float16 visible-nan"),
        new("tensor.no-barrier-after-weights", Forward, "Group.Barrier(); // P is in shared memory", "",
            "beside a NaN, P is read while it is written", "attention float16 visible-nan"),
    ];
}
