namespace AttnKernels.Verification;

/// <summary>Faults in attention of few queries over split keys: kernels/Attention/FlashDecode.cs and its rows.</summary>
internal static class DecodeMutants
{
    private const string Kernel = "kernels/Attention/FlashDecode.cs";
    private const string Rows = "kernels/Attention/DecodeRows.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string Stored = "attention float32 k530 keys-int8, attention float32 k300 keys-int8";
    private const string Likely = "attention float32 k300, attention float32 k530, attention float32 k600";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("flash-decode.quarter-of-dot-dropped", Kernel,
            "(sPart[index + 2 * PartStride] + sPart[index + 3 * PartStride])",
            "sPart[index + 2 * PartStride]",
            "the dot product lacks what one lane of four summed", Likely),
        new("flash-decode.head-of-row", Kernel, "HKv * Group + row - row / Group * Group", "HKv * Group + row / Group",
            "rows are taken for other heads", Likely),
        new("flash-decode.band-of-first-row", Kernel,
            "args.Flash.Band.End(last / at.Group, at.Shift, at.KeyLength)",
            "args.Flash.Band.End(at.Row0 / at.Group, at.Shift, at.KeyLength)",
            "later queries do not see their last keys", Likely),
        new("flash-decode.split-shifted", Kernel, "int j = at.Split * SplitKeys + n;", "int j = n;",
            "keys of later splits are masked as those of the first", Likely),
        new("flash-decode.maximum-of-one-lane", Kernel, "max = RowReduce.Max(sMax.Cast<F4>().From(rowOffset >> 2));", "max = sMax[rowOffset];",
            "the combine step weighs with another maximum than the lanes' sums were made with", Likely),
        new("flash-decode.hidden-value-read", Kernel, "if (j < at.First || j >= at.End) return none;", "",
            "values of hidden keys are read", Likely),
        new("flash-decode.empty-split-not-said", Kernel, "            WriteEmpty(args, at);\n", "",
            "a split without keys leaves what an earlier run wrote", Likely),
        new("flash-decode.rows-of-head-0", Keys, "source.Load8(entry, place.HeadKv, row", "source.Load8(entry, 0, row",
            "every head reads the stored rows of head 0", Stored),
        new("flash-decode.integers-unsigned", Keys, "(int)(bytes << 8) >> 24", "(int)(bytes << 8 >> 24)",
            "an 8-bit integer loses its sign", Stored),
        new("flash-decode.scale-of-low-half", Keys, "        value.High.Scale(scale);\n", "",
            "half of the 8-bit integers are not scaled", Stored),
        new("flash-decode.zero-does-not-hide", Rows, "if (p.Y != 0f) o.Fma(p.Y, v1);", "o.Fma(p.Y, v1);",
            "a weight of 0 multiplies a value that another row may see", Likely),
        new("flash-decode.nan-taken-for-empty", Kernel, "        if (!(sum >= 0f)) max = sum;\n", "",
            "a split whose scores are all NaN says that it saw no key", "attention float32 visible-nan"),
        new("flash-decode.slot-dropped", Kernel, "for (int slot = 0; slot < Slots; slot++)", "for (int slot = 1; slot < Slots; slot++)",
            "O lacks a slot's keys", Likely),
        new("flash-decode.second-half-of-rows", Rows, "Second.AddValues(sP, offset + THalf.Count * stride,", "Second.AddValues(sP, offset,",
            "the lower rows take the weights of the upper ones", Likely),
        new("flash-decode.no-barrier-after-queries", Kernel, "        Group.Barrier(); // sQ is filled\n", "",
            "queries are read while they are loaded", Likely),
        new("flash-decode.no-barrier-after-dots", Kernel, "        Group.Barrier(); // sPart holds the parts of the dot products\n", "",
            "parts of dot products are read while they are written", Likely),
        new("flash-decode.no-barrier-after-scores", Kernel, "        Group.Barrier(); // sS holds the scores; sPart has been read\n", "",
            "scores are read while they are written", Likely),
        new("flash-decode.no-barrier-after-weights", Kernel, "        Group.Barrier(); // sS holds the weights, sSum the partial sums\n", "",
            "weights and sums are read while they are written", Likely),
        new("flash-decode.no-barrier-after-output", Kernel, "        Group.Barrier(); // sPart holds the parts of O\n", "",
            "parts of O are read while they are written", Likely),
        new("flash-decode.no-barrier-after-maxima", Kernel, "        Group.Barrier(); // sMax holds the partial maxima\n", "",
            "maxima are read while they are written", Likely),
    ];
}
