namespace AttnKernels.Verification;

/// <summary>Faults in attention of few queries over split keys: kernels/Attention/FlashDecode.cs and its rows.</summary>
internal static class DecodeMutants
{
    private const string Kernel = "kernels/Attention/FlashDecode.cs";
    private const string Parts = "kernels/Policies/SplitParts.cs";
    private const string Rows = "kernels/Attention/DecodeRows.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string StoredRows = "kernels/Policies/StoredRows.cs";
    private const string Plain = "kernels/Policies/KeySources.cs";
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
            "args.Band.End(last / at.Group, at.Shift, at.KeyLength)",
            "args.Band.End(at.Row0 / at.Group, at.Shift, at.KeyLength)",
            "later queries do not see their last keys", Likely),
        new("flash-decode.split-shifted", Kernel, "int j = at.Split * SplitKeys + n;", "int j = n;",
            "keys of later splits are masked as those of the first", Likely),
        new("flash-decode.maximum-of-one-lane", Kernel, "max = RowReduce.Max(sMax.Cast<F4>().From(rowOffset >> 2));",
            "max = sMax[rowOffset];",
            "the combine step weighs with another maximum than the lanes' sums were made with", Likely),
        new("flash-decode.key-step-of-one", Kernel, "KeyRows(at.Keys, at.Split * SplitKeys + n, step,",
            "KeyRows(at.Keys, at.Split * SplitKeys + n, 1,",
            "a lane takes neighbouring keys for those that it answers for", Likely),
        new("flash-decode.fourth-key-dropped", Rows, "        sPart[3 * keyStride] = dots.W;\n", "",
            "the fourth of a lane's keys has no dot product", Likely),
        new("flash-decode.hidden-row-read", Plain, "j >= firstKey && j < endKey ? head", "j >= firstKey ? head",
            "keys past the last visible one are read", Likely),
        new("flash-decode.whole-with-tail", Plain, "wide != 0 && (columns & 7) == 0 &&", "wide != 0 &&",
            "eight elements are read where the row ends earlier", Likely),
        new("flash-decode.whole-rows-unaligned", Plain, "wide != 0 && (columns & 7) == 0 &&", "(columns & 7) == 0 &&",
            "rows are read in vectors where they do not start at one", Likely),
        new("flash-decode.whole-despite-hidden", Plain, "A.At >= 0 && B.At >= 0 && C.At >= 0 && D.At >= 0",
            "A.At >= 0 && B.At >= 0 && C.At >= 0",
            "a hidden fourth row is read before the tensor", Likely),
        new("flash-decode.row-of-first-stored", Keys, "rows.C = Place(source, place, j + 2 * stride, firstKey, endKey);",
            "rows.C = rows.A;",
            "every third stored row is the first again", Stored),
        new("flash-decode.rows-of-head-0", Keys, "source.Place(entry, place.HeadKv, row)", "source.Place(entry, 0, row)",
            "every head reads the stored rows of head 0", Stored),
        new("flash-decode.integers-unsigned", StoredRows, "(int)(bytes << 8) >> 24", "(int)(bytes << 8 >> 24)",
            "an 8-bit integer loses its sign", Stored),
        new("flash-decode.scale-of-low-half", StoredRows, "        value.High.Scale(scale);\n", "",
            "half of the 8-bit integers are not scaled", Stored),
        new("flash-decode.zero-does-not-hide", Rows, "if (p.Y != 0f) o.Fma(p.Y, v.B);", "o.Fma(p.Y, v.B);",
            "a weight of 0 multiplies a value that another row may see", Likely),
        new("flash-decode.nan-taken-for-empty", Parts, "        if (!(l >= 0f)) m = l;\n", "",
            "a split whose scores are all NaN says that it saw no key", "attention float32 visible-nan"),
        new("flash-decode.slot-dropped", Kernel, "for (int slot = 0; slot < Slots; slot++)", "for (int slot = 1; slot < Slots; slot++)",
            "O lacks a slot's keys", Likely),
        new("flash-decode.second-half-of-rows", Rows, "Second.AddValues(sP.From(THalf.Count * stride),", "Second.AddValues(sP,",
            "the lower rows take the weights of the upper ones", Likely),
        new("flash-decode.no-barrier-after-queries", Kernel, "        Group.Barrier(); // sQ is filled\n", "",
            "queries are read while they are loaded", Likely),
        new("flash-decode.no-barrier-after-dots", Kernel, "        Group.Barrier(); // sPart holds the parts of the dot products\n", "",
            "parts of dot products are read while they are written", Likely),
        new("flash-decode.no-barrier-after-scores", Kernel, "        Group.Barrier(); // sS holds the scores; sPart has been read\n", "",
            "scores are read while they are written", Likely),
        new("flash-decode.no-barrier-after-weights", Kernel, "        Group.Barrier(); // sS holds the weights, sSum the partial sums\n",
            "",
            "weights and sums are read while they are written", Likely),
        new("flash-decode.no-barrier-after-output", Kernel, "        Group.Barrier(); // sPart holds the parts of O\n", "",
            "parts of O are read while they are written", Likely),
        new("flash-decode.ring-not-turned", Kernel, "args.Keys.Narrow(ref own, ref at.Keys, written);", "",
            "key 0 of a ring is looked for in its first row", "attention float32 k600 ring"),
        new("flash-decode.ring-diagonal", Kernel, "at.Shift -= own.FirstPosition;", "at.Shift -= 0;",
            "a diagonal at an offset counts from the oldest key that is still there", "attention float32 k600 ring"),
        new("flash-decode.no-barrier-after-maxima", Kernel, "        Group.Barrier(); // sMax holds the partial maxima\n", "",
            "maxima are read while they are written", Likely),
    ];
}
