namespace AttnKernels.Verification;

/// <summary>Faults in attention and matmul that multiply fp32 as TF32: the parts, their fragments, the loops over them.</summary>
internal static class Tf32Mutants
{
    private const string Forward = "kernels/Attention/TensorFlashForward.cs";
    private const string Formats = "kernels/Policies/TensorFormats.cs";
    private const string Lane = "kernels/Primitives/LaneTile.cs";
    private const string Column = "kernels/Primitives/TensorColumn.cs";
    private const string Columns = "kernels/Primitives/TensorColumns.cs";
    private const string Square = "kernels/Primitives/TensorSquare.cs";
    private const string Sources = "kernels/Policies/KeySources.cs";
    private const string StoredRows = "kernels/Policies/StoredRows.cs";
    private const string Matmul = "kernels/Matmul/TensorMatmul.cs";
    private const string Operands = "kernels/Policies/TensorOperands.cs";
    private const string Any = "attention float32 tf32x3 d40";
    private const string Whole = "attention float32 tf32x3 q130";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Accuracy.
        new("tf32.one-product", Formats, "TensorCore.MultiplyTf32(default, a.Small, big0, big1)", "default",
            "the small parts of Q and P are lost", Any),
        new("tf32.two-products", Formats, "        sum = TensorCore.MultiplyTf32(sum, a.Big, small0, small1);\n", "",
            "the small parts of K and V are lost", Any),
        new("tf32.rest-of-the-unrounded", Formats, "Interop.IntAsFloat(bits) - Interop.IntAsFloat(big)",
            "Interop.IntAsFloat(bits + 0x1000u) - Interop.IntAsFloat(big)", "the rest is that of another number", Any),

        // Fragments.
        new("tf32.weights-by-rows", Formats, "Interop.FloatAsInt(left.Z), Interop.FloatAsInt(left.Y)",
            "Interop.FloatAsInt(left.Y), Interop.FloatAsInt(left.Z)", "P's second key and its lower row change places", Any),
        new("tf32.left-fragment-twice", Formats, "b.Big.Z, b.Big.W, b.Small.Z", "b.Big.X, b.Big.Y, b.Small.Z",
            "the right fragment's big parts are the left's", Any),
        new("tf32.odd-rows-in-even-places", Lane, "(even ^ 1) + chunks;", "even + chunks;",
            "odd rows of V are read where even ones would lie", Any),
        new("tf32.half-a-chunk", Lane, "int half = (Group.IdxX >> 2) & 1;", "int half = 0;",
            "columns 2 and 3 of four are columns 0 and 1", Any),
        new("tf32.columns-exchanged", Formats, "[at >> 2] = new F4(values.X, values.Z, values.Y, values.W)", "[at >> 2] = values",
            "columns 1 and 2 of four change places in O", Any),
        new("tf32.hidden-columns-exchanged", Formats, "Interop.IntAsFloat(v.X), Interop.IntAsFloat(v.Z), Interop.IntAsFloat(v.Y)",
            "Interop.IntAsFloat(v.X), Interop.IntAsFloat(v.Y), Interop.IntAsFloat(v.Z)",
            "beside a NaN, columns 1 and 2 of four change places in V", "attention float32 tf32x3 visible-nan"),
        new("tf32.zero-weight-does-not-hide", Formats, "IsFinite(uint word) => (~word & 0x7F800000u) != 0",
            "IsFinite(uint word) => word != 0x7F800000u", "0 * NaN of a masked value reaches O",
            "attention float32 tf32x3 visible-nan"),

        // Loops.
        new("tf32.every-other-fragment", Forward, "chunk < Chunks; chunk += 2)", "chunk < Chunks; chunk += 4)",
            "half of the head dim is left out", Any),
        new("tf32.weights-stay", Forward, "                p.MoveLeft(default, default);\n", "",
            "all keys have the weights of the first eight", Any),
        new("tf32.weights-skip", Columns, "Left.MoveLeft(middle, middleBelow);", "Left.MoveLeft(last, below);",
            "later keys have no weight", Any),
        new("tf32.weights-repeat", Square, "        right = last;\n", "", "every fourth eight keys have the weights of the third", Any),
        new("tf32.lower-weights-from-above", Column, "below = bottom.First;", "below = top.First;",
            "the lower rows take the weights of the upper", Whole),
        new("tf32.lower-weights-stay", Column, "if (TTile.RowBlocks > 1) bottom.MoveLeft(below);", "",
            "in the lower rows all keys have the weights of the first eight", Whole),

        // Rows of 32-bit elements.
        new("tf32.heads-overlap", Sources, "Start = Units<T>() * start", "Start = start", "heads begin half as far apart as they lie", Any),
        new("tf32.looked-up-heads-overlap", StoredRows, "Start = TileRows.Units<T>() * (Offset + h * HeadStride)",
            "Start = Offset + h * HeadStride", "heads of a cache begin half as far apart as they lie",
            "attention float32 tf32x3 ring"),
        new("tf32.blocks-overlap", StoredRows, "EntryStride = TileRows.Units<T>() * BatchStride", "EntryStride = BatchStride",
            "blocks lie half as far apart as they do", "attention float32 tf32x3 paged"),

        // Matmul.
        new("tf32.matmul-nan-becomes-zero", Formats, "Interop.IntAsFloat(bits) + half * Interop.IntAsFloat(bits & 0xFF800000u)",
            "Interop.IntAsFloat(bits + (uint)(half * 8388608f))", "the NaN that GPUs make is rounded to 0",
            "matmul float32 tf32 visible-nan"),
        new("tf32.matmul-cut-off", Formats, "const float half = 1f / 2048;", "const float half = 0f;",
            "elements are cut off instead of rounded", "matmul float32 tf32 120x68"),
        new("tf32.matmul-every-other-fragment", Matmul, "chunk < TensorMatmulSteps.Chunks; chunk += 2)",
            "chunk < TensorMatmulSteps.Chunks; chunk += 4)", "of a step a quarter is left out", "matmul float32 tf32x3 40x56"),
        new("tf32.matmul-transposed-a-as-b", Operands, "new U4(b.X, b.Z, b.Y, b.W)", "b",
            "the quarters of a transposed A in the wrong registers", "matmul float32 tf32 40x56 TN"),
        new("tf32.matmul-next-rows", Lane, "int lower = upper + 16 * chunks;", "int lower = upper + 4 * chunks;",
            "rows 4 to 7 of eight are rows 1 to 4", "matmul float32 tf32 40x56 NN"),
        new("tf32.matmul-right-beyond", Lane, "From(near ^ 8)", "From(near + 8)", "columns 8 to 15 lie where the swizzle has put others",
            "matmul float32 tf32 40x56 NN"),
    ];
}
