namespace AttnKernels.Verification;

/// <summary>Faults in the merge of partial results: kernels/Attention/MergeParts.cs and kernels/Simd/Merge.</summary>
internal static class MergeMutants
{
    private const string Device = "kernels/Attention/MergeParts.cs";
    private const string Simd = "kernels/Simd/Merge/MergeRows.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("merge.last-parts-dropped", Device, "for (int p = 0; p < args.Parts; p += 4)\n        {\n            float w0", "for (int p = 0; p + 4 <= args.Parts; p += 4)\n        {\n            float w0",
            "the last parts % 4 are left out", "merge float32"),
        new("merge.part-of-another-batch", Device, "long step = args.Batch * args.PartsO.BatchStride;", "long step = args.PartsO.BatchStride;",
            "the parts of a batch entry are not its own", "merge float32"),
        new("merge.empty-part-read", Device, "return weight == 0f ? none : RowCopy", "return RowCopy",
            "O of a part that saw no key is multiplied by 0", "merge float32"),
        new("merge.equal-weights", Device, "SpecialMath.Exp2((m - max) * args.Log2Factor)", "1f",
            "the parts are averaged", "merge float32"),
        new("merge.not-normalised", Device, "o.Scale(isEmpty ? 0f : 1f / sum);", "o.Scale(isEmpty ? 0f : 1f);",
            "O is not divided by the sum of the weights", "merge float32"),
        new("merge.lse-without-sum", Device, "(max * args.Log2Factor + SpecialMath.Log2(sum))", "(max * args.Log2Factor)",
            "LSE is that of the largest part", "merge float32"),
        new("merge.nan-taken-for-empty", Device, "bool isEmpty = sum == 0f;", "bool isEmpty = !(sum > 0f);",
            "a row with a NaN becomes 0", "merge float32 visible-nan"),
        new("simd.merge.empty-part-read", Simd, "if (weights[p] != 0) sum = ", "sum = ",
            "O of a part that saw no key is multiplied by 0", "merge float32"),
        new("simd.merge.rows-of-block-dropped", Simd, "Math.Min(first + Block, args.Seq)", "Math.Min(first + Block - 1, args.Seq)",
            "the last row of a block is not written", "merge float32"),
        new("simd.merge.exponential-of-lse", Simd, "MathF.Exp(lse - max)", "MathF.Exp(lse)",
            "large log-sum-exps overflow", "merge float32"),
    ];
}
