namespace AttnKernels.Verification;

/// <summary>Faults in the matmul on tensor cores: stages, copies, the tiles' order, fragments, the store.</summary>
internal static class TensorMatmulMutants
{
    private const string Matmul = "kernels/Matmul/TensorMatmul.cs";
    private const string Place = "kernels/Primitives/MatmulPlace.cs";
    private const string Copy = "kernels/Primitives/OperandCopy.cs";
    private const string Operands = "kernels/Policies/TensorOperands.cs";
    private const string Lane = "kernels/Primitives/LaneTile.cs";
    private const string Block = "kernels/Primitives/TensorBlock.cs";
    private const string Any = "matmul float16 40x56";
    private const string Square = "matmul float16 120x72";
    private const string Wide = "matmul float16 120x200";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Stages.
        new("tensor-matmul.no-wait", Matmul, "if (TTile.Stages > 2) TensorCore.WaitForOlderCopies();\n        else ",
            "if (TTile.Stages == 2) ", "a stage of three is read while it is copied", Any),
        new("tensor-matmul.one-of-two-awaited", Matmul, "else TensorCore.WaitForCopies();", "else TensorCore.WaitForOlderCopies();",
            "of two stages the one that is read is still copied", "matmul float32 120x68x108 TT tf32x3"),
        new("tensor-matmul.no-barrier", Matmul, "        Group.Barrier(); // the next step is there, and this one has been read\n", "",
            "a stage is read while other lanes copy it", Any),
        new("tensor-matmul.no-commit", Matmul, "TTile.BN, Lanes);\n        TensorCore.CommitCopies();", "TTile.BN, Lanes);",
            "whole steps are never waited for", Any),
        new("tensor-matmul.no-commit-of-the-last", Matmul, "k, at.End);\n        }\n        TensorCore.CommitCopies();",
            "k, at.End);\n        }", "the last step is never waited for", Any),
        new("tensor-matmul.stage-not-free", Matmul, "        free = full;\n", "", "every step is copied into the last stage", Any),
        new("tensor-matmul.stage-past-the-last", Matmul, "full == (TTile.Stages - 1) * Stage ?", "full == Stage ?",
            "the last of three stages is left out", Any),
        new("tensor-matmul.step-twice", Matmul, "ref b, k + Ahead, endOfWhole", "ref b, k + Ahead - BK, endOfWhole",
            "the step that K cuts is the one before", Any),
        new("tensor-matmul.last-quarter-left-out", Matmul,
            "            if (k + BK < at.End) f = Load(rows, columns, full, 0);\n            sum.Add(last);",
            "            if (k + BK < at.End) f = Load(rows, columns, full, 0);", "the last 16 of a step do not count", Any),

        // Copies.
        new("tensor-matmul.step-not-passed", Copy, "at += TOperand.IsAlongK ? TensorMatmulSteps.Chunks :", "at += TOperand.IsAlongK ? 0 :",
            "every step of rows along K is the first", Any),
        new("tensor-matmul.rows-of-k-not-passed", Copy, "(long)BK * stride;", "(long)stride;", "a step of K is one row of it", Any),
        new("tensor-matmul.four-copies-of-eight", Copy, "if (copies > 4)", "if (copies > 8)", "half of a tile is not loaded", Wide),
        new("tensor-matmul.k-past-the-end", Matmul, "(at.End - at.K) & ~(BK - 1)", "(at.End - at.K + BK - 1) & ~(BK - 1)",
            "a step that K cuts is copied whole", Any),
        new("tensor-matmul.odd-lines-copied", Copy, "source.Batch1Stride | rowStride)", "source.Batch1Stride)",
            "rows that start at no multiple of 16 bytes are copied in chunks", "matmul float16 bhsd+4"),
        new("tensor-matmul.odd-columns-copied", Copy, "source.OuterStride == 1 && (outers & (Chunk<T>.Elements - 1)) == 0",
            "source.OuterStride == 1", "a chunk reaches past the last column", "matmul float16 40x53x200"),
        new("tensor-matmul.tail-not-cut", Copy, "isWide && (end & (Chunk<T>.Elements - 1)) == 0", "isWide",
            "a chunk that K cuts is copied whole", "matmul float16 40x56x341"),
        new("tensor-matmul.b-over-a", Matmul, "b.StartWhole(args.B, sStage.From(StageB)", "b.StartWhole(args.B, sStage",
            "B is copied over A", Any),
        new("tensor-matmul.last-b-over-a", Matmul, "sStage.From(StageB), TTile.BN, at.N", "sStage, TTile.BN, at.N",
            "the last step of B is copied over A", Any),

        // Which tile.
        new("tensor-matmul.band-of-eight", Place, "Math.Min(band, tilesM - first)", "band", "the last rows of tiles are misplaced",
            "matmul float16 1040x260"),
        new("tensor-matmul.first-band-again", Place, "        tile -= first * tilesN;\n", "", "tiles of the second band lie past C",
            "matmul float16 1040x260"),

        // Fragments.
        new("tensor-matmul.second-is-third", Matmul, "TensorFragments third = Load(rows, columns, stage, 4);",
            "TensorFragments third = Load(rows, columns, stage, 2);", "the third 16 of a step are the second", Any),
        new("tensor-matmul.fragment-twice", Block, "TFormat.Operand(f.A3)", "TFormat.Operand(f.A2)",
            "rows 48 to 63 are rows 32 to 47", Square),
        new("tensor-matmul.right-is-left", Block, "TFormat.Multiply(ref c2, ref c3, a, right);",
            "TFormat.Multiply(ref c2, ref c3, a, left);", "columns 16 to 31 are columns 0 to 15", Any),
        new("tensor-matmul.right-half-is-left", Block, "right.Add(a, b.B2, b.B3);", "right.Add(a, b.B0, b.B1);",
            "columns 32 to 63 are columns 0 to 31", Square),
        new("tensor-matmul.transposed-rows", Operands, "LaneTile.ByColumns(sTile, Chunks(outers)).FromChunk(outer / 8);",
            "LaneTile.ByRows(sTile, Chunks(outers)).FromChunk(outer / 8);", "the quarters of a transposed A in the wrong registers",
            "matmul float16 TN"),
        new("tensor-matmul.far-chunks-near", Lane, "sTile = sTile.From(chunk & ~7), lane = lane ^ (chunk & 7)",
            "sTile = sTile, lane = lane ^ (chunk & 7)", "warps side by side read the same columns", Wide),
        new("tensor-matmul.odd-warps-even", Lane, "lane = lane ^ (chunk & 7), chunks = chunks }", "lane = lane, chunks = chunks }",
            "every second warp of 32 columns reads those of its neighbour", Any),

        // The store.
        new("tensor-matmul.rows-exchanged", Matmul, "isLower ? sum.X : sum.Z", "isLower ? sum.Z : sum.X",
            "lanes keep what they should give", Any),
        new("tensor-matmul.columns-exchanged", Matmul, "n += 2 * (Group.IdxX & 2);", "n += 4 * (Group.IdxX & 1);",
            "columns 4 to 7 of eight lie where 0 to 3 belong", Any),
        new("tensor-matmul.columns-not-moved-left", Block, "        c1 = c2;\n", "", "columns 16 to 23 are columns 8 to 15", Any),
        new("tensor-matmul.right-half-not-moved-left", Block, "left.MoveLeft(right.First);", "left.MoveLeft(default);",
            "columns 32 to 63 become 0", Square),
        new("tensor-matmul.lower-rows-of-the-upper", Block, "row == 32 ? R2.First", "row == 32 ? R1.First",
            "rows 32 to 47 are rows 16 to 31", Square),
    ];
}
