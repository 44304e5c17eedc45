namespace AttnKernels.Verification;

/// <summary>Faults in the merge of partial results: kernels/Attention/MergeParts.cs and kernels/Simd/Merge.</summary>
internal static class MergeMutants
{
    private const string Device = "kernels/Attention/MergeParts.cs";
    private const string Splits = "attention float32 k300, attention float32 k530, attention float32 k600";
    private const string Simd = "kernels/Simd/Merge/MergeRows.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("merge.last-parts-dropped", Device, "p0 < at.End; p0 += 4", "p0 + 4 <= at.End; p0 += 4",
            "the last parts % 4 are left out", "merge float32"),
        new("merge.last-part-twice", Device, "if (p0 + 1 < at.End) Add(", "Add(",
            "the last part counts again in place of the one after it", "merge float32"),
        new("merge.slot-dropped", Device, "for (int slot = 0; slot < args.Slots; slot++)", "for (int slot = 0; slot < 1; slot++)",
            "what other slots of lanes summed is lost", "merge float32"),
        new("merge.slots-of-one-row", Device, "Group.IdxX / lanes * lanes / 4", "0",
            "every row of a group takes the maximum of the first", "merge float32"),
        new("merge.lanes-past-a-slot", Device, "at.First + 4 * at.Slot; p0", "at.First; p0",
            "every slot sums the parts of the first", "merge float32"),
        new("merge.splits-before-the-window", Device, "at.First = first / args.SplitKeys;", "at.First = 0;",
            "splits that nobody wrote are merged", Splits),
        new("merge.last-split-dropped", Device, "(end + args.SplitKeys - 1) / args.SplitKeys", "end / args.SplitKeys",
            "the split that the key length cuts is left out", Splits),
        new("merge.key-length-of-entry-0", Device, "args.KeyLengths[args.KeyLengthsOffset + at.B]",
            "args.KeyLengths[args.KeyLengthsOffset]",
            "splits are counted by another batch entry's length", Splits),
        new("merge.sink-without-maximum", Device, "            max = state.M;\n", "",
            "LSE is that of the keys alone where a sink is larger", Splits),
        new("merge.sink-of-head-0", Device, "args.Sinks[args.SinksOffset + at.H]", "args.Sinks[args.SinksOffset]",
            "every head has the first one's sink", Splits),
        new("merge.ring-from-its-start", Device, "shift -= written - keyLength;", "shift -= 0;",
            "the splits of a ring are counted from the keys that it has lost", "attention float32 k600 ring"),
        new("merge.no-barrier-after-maxima", Device, "        Group.Barrier(); // sMax holds the partial maxima\n", "",
            "maxima are read while they are written", "merge float32"),
        new("merge.part-of-another-batch", Device, "long step = args.Batch * args.PartsO.BatchStride;",
            "long step = args.PartsO.BatchStride;",
            "the parts of a batch entry are not its own", "merge float32"),
        new("merge.empty-part-read", Device, "        if (weight == 0f) return;\n", "",
            "O of a part that saw no key is multiplied by 0", "merge float32"),
        new("merge.equal-weights", Device, "SpecialMath.Exp2((m - max) * log2Factor)", "1f",
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
