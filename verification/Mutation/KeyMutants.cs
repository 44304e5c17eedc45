namespace AttnKernels.Verification;

/// <summary>Faults in where the rows of a batch entry lie: packed sequences and rings, of both kinds of kernels.</summary>
internal static class KeyMutants
{
    private const string Forward = "kernels/Attention/FlashForward.cs";
    private const string Packed = "kernels/Policies/PackedKeys.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string Sequences = "kernels/Simd/Attention/Sequences.cs";
    private const string KeyRows = "kernels/Simd/Attention/KeyRows.cs";
    private const string Vectors = "kernels/Policies/VectorForm.cs";
    private const string SimdVectors = "kernels/Simd/Attention/VectorRow.cs";
    private const string Convert = "kernels/Attention/CacheConvert.cs";
    private const string SimdAppend = "kernels/Simd/Cache/SimdCacheAppend.cs";
    private const string SimdRow = "kernels/Simd/Cache/CacheRow.cs";
    private const string Band = "kernels/Simd/KeyBand.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("sequences.queries-of-entry-0", Forward, "view.Head(B, H) + QueryRow * view.RowStride", "view.Head(B, H)",
            "every sequence has the first rows of Q and O", "attention float32 packed"),
        new("sequences.lse-of-entry-0", Forward, "(long)H * args.PackedQ + QueryRow;", "(long)H * args.PackedQ;",
            "every sequence writes the first rows of LSE", "attention float32 packed lse"),
        new("sequences.lse-head-stride", Forward, "(long)H * args.PackedQ + Q", "(long)H * args.SeqQ + Q",
            "heads of LSE lie as far apart as the longest sequence is long", "attention float32 packed lse"),
        new("sequences.longest-for-all", Packed, "            at.SeqQ = Clamp(Q[QOffset + at.B + 1] - at.QueryRow, 0, Math.Min(at.SeqQ, TotalQ - at.QueryRow));\n", "",
            "a sequence writes the rows of the next one", "attention float32 packed"),
        new("sequences.keys-of-the-next", Packed,
            "            at.KeyLength = Clamp(Kv[KvOffset + at.B + 1] - place.Row, 0, Math.Min(at.KeyLength, TotalKv - place.Row));\n", "",
            "a sequence sees the keys of the next one", "attention float32 packed"),
        new("sequences.values-of-entry-0", Packed, "        place.V += place.Row * Rows.V.RowStride;\n", "",
            "every sequence has the first values", "attention float32 packed"),
        new("ring.does-not-wrap", Keys, "        if (RingRows != 0 && row >= RingRows) row -= RingRows;\n", "",
            "the row past the last is not the first", "attention float32 ring"),
        new("ring.oldest-at-row-0", Keys, "        place.Row = at.FirstPosition % Math.Max(RingRows, 1);\n", "", "key 0 always lies in row 0", "attention float32 ring"),
        new("ring.alignment-by-row", Forward, "        if (TKeys.HasSequences && args.Band.FollowsEnd == 0) at.Shift -= at.FirstPosition;\n", "",
            "a diagonal at an offset counts rows, not positions", "attention float32 ring causal"),

        new("simd.sequences-keys-of-entry-0", Sequences, "int rowKv = sequences.StartsKv == null ? 0 : sequences.StartsKv[b];",
            "int rowKv = sequences.StartsKv == null ? 0 : sequences.StartsKv[0];", "every sequence has the first keys", "attention float32 packed"),
        new("simd.sequences-lse-of-entry-0", Sequences, "(long)b * args.HeadsQ * args.SeqQ : rowQ);", "(long)b * args.HeadsQ * args.SeqQ : 0);",
            "every sequence writes the first rows of LSE", "attention float32 packed lse"),
        new("simd.sequences-scales-of-entry-0", Sequences,
            "one.Keys.KScales = Moved(args.Keys.KScales, DType.Float32, batch, rowKv);", "one.Keys.KScales = args.Keys.KScales;",
            "every sequence has the first scales", "attention float32 packed keys-int8"),
        new("simd.sequences-mask-of-entry-0", "kernels/Simd/Args.cs", "        one.Mask = Mask.OfBatch(b, sizeof(byte));\n", "",
            "every sequence has the first one's mask", "attention float32 packed mask"),
        new("simd.sequences-slopes-of-entry-0", "kernels/Simd/Args.cs", "        if (AlibiSlopes != null) one.AlibiSlopes = AlibiSlopes + b * AlibiBatchStride;\n", "",
            "every sequence has the first one's slopes", "attention float32 packed alibi"),
        new("simd.sequences-lengths-ignored", Sequences, "one.SeqKv = Math.Min(one.SeqKv, written);", "one.SeqKv = one.SeqKv + 0 * written;",
            "keys past a sequence's length count", "attention float32 packed, attention float32 ring"),
        new("simd.ring-does-not-wrap", KeyRows, "row >= keys.RingRows) row -= keys.RingRows;", "row >= keys.RingRows) row = keys.RingRows - 1;",
            "past the last row comes the last row", "attention float32 ring"),
        new("simd.ring-oldest-at-row-0", Sequences, "one.Keys.RingFirst = oldest % args.SeqKv;", "one.Keys.RingFirst = 0;",
            "key 0 always lies in row 0", "attention float32 ring"),
        new("simd.ring-alignment-by-row", Band, "new KeyBand(Shift - position, false, Left, Right);", "new KeyBand(Shift, false, Left, Right);",
            "a diagonal at an offset counts rows, not positions", "attention float32 ring causal"),

        // What happens to rows of Q and K.
        new("vectors.sign", Vectors, "a * cos - b * sin", "a * cos + b * sin", "no rotation", "attention float32 rotary-"),
        new("vectors.queries-not-aligned", Vectors, "at.FirstPosition + at.Shift;", "at.FirstPosition;",
            "query i is at position i", "attention float32 rotary-"),
        new("vectors.keys-at-their-row", Vectors, "positions.First = at.FirstPosition;", "positions.First = 0;",
            "the oldest key of a ring is at position 0", "attention float32 rotary- ring"),
        new("vectors.positions-of-entry-0", Vectors, "KvOffset + at.B * KvBatchStride + place.Row", "KvOffset + place.Row",
            "every batch entry has the positions of the first", "attention float32 rotary-"),
        new("vectors.positions-of-sequence-0", Vectors, "KvOffset + at.B * KvBatchStride + place.Row", "KvOffset + at.B * KvBatchStride",
            "every sequence has the first positions", "attention float32 packed, attention float32 rotary-"),
        new("vectors.neighbours-share-an-angle", Vectors, "d / 2 + 1, factor", "d / 2, factor",
            "the second pair of four elements turns like the first", "attention float32 rotary-"),
        new("vectors.rest-not-normalised", Vectors,
            "sTile.Floats(4 * r * stride)[d] *= Factor(sRow, r);", "sTile.Floats(4 * r * stride)[d] *= 1f;",
            "elements that do not turn keep their length", "attention float32 cosine"),
        new("vectors.zero-row-divides", Vectors, "squares > 0f ? XMath.Rsqrt(squares) : 0f;", "XMath.Rsqrt(squares);",
            "a row of zeros gives 0 / 0", "attention float32 cosine"),
        new("vectors.no-barrier-before-queries", Keys, "        Group.Barrier(); // sTile holds the queries\n", "",
            "queries turn while they are written", "attention float32 rotary-"),
        new("vectors.no-barrier-after-queries", Keys, "        Group.Barrier(); // sRow is free again\n", "",
            "sums are stored while lengths are read", "attention float32 cosine"),
        new("vectors.no-barrier-after-keys", Keys, "        Group.Barrier(); // sTile holds the keys as they are compared\n", "",
            "keys are read while they turn", "attention float32 rotary-"),
        new("vectors.no-barrier-after-factors-of-queries", Keys, "        Group.Barrier(); // sRow holds the factors of the queries\n", "",
            "lengths of queries are read while they are written", "attention float32 cosine"),
        new("vectors.no-barrier-after-factors-of-keys", Keys, "        Group.Barrier(); // sRow holds the factors of the keys\n", "",
            "lengths of keys are read while they are written", "attention float32 cosine"),
        new("simd.vectors-queries-not-aligned", SimdVectors, "FirstPosition + query + shift", "FirstPosition + query",
            "query i is at position i", "attention float32 rotary-"),
        new("simd.vectors-keys-at-their-row", SimdVectors, "FirstPosition + key :", "key :",
            "the oldest key of a ring is at position 0", "attention float32 rotary- ring"),
        new("simd.vectors-zero-row-divides", SimdVectors, "squares > 0 ? 1 / MathF.Sqrt(squares) : 0", "1 / MathF.Sqrt(squares)",
            "a row of zeros gives 0 / 0", "attention float32 cosine"),
        new("simd.vectors-tail-not-squared", SimdVectors, "squares += row[c] * row[c];", "squares += 0 * row[c];",
            "the length misses the tail columns", "attention float32 cosine d7"),
        new("simd.vectors-outside-the-table", SimdVectors, "Fill(float.NaN);", "Fill(0);",
            "a position outside the table hides the query", "attention float32 rotary-"),
        new("simd.vectors-decode-keys", "kernels/Simd/Decode/DecodeForward.cs",
            "            VectorRow<W, V>.ApplyToKeys(args.Vectors, batch, key, count, args.HeadDim, changed, plan.StepK);\n", "",
            "keys do not turn for few queries", "attention float32 rotary- q2"),
        new("simd.vectors-positions-of-sequence-0", Sequences, "b * vectors.PositionsKvStride : rowKv;", "b * vectors.PositionsKvStride : 0;",
            "every sequence has the first positions", "attention float32 packed, attention float32 rotary-"),

        // Append.
        new("cache.table-of-entry-0", "kernels/Attention/CacheAppend.cs", "Table[TableOffset + b * TableStride + (row >> BlockShift)]", "Table[TableOffset + (row >> BlockShift)]",
            "every batch entry has the blocks of the first", "cache-append float32 paged"),
        new("cache.row-not-in-block", "kernels/Attention/CacheAppend.cs", "row &= (1 << BlockShift) - 1;", "row = 0;",
            "every row of a block is its first", "cache-append float32 paged"),
        new("cache.quantised-by-128", Convert, "Interop.IntAsFloat(max) / 127f", "Interop.IntAsFloat(max) / 128f",
            "the largest element has no code", "cache-append float32 to-int8"),
        new("cache.quantised-towards-zero", Convert, "(sbyte)Interop.FloatAsInt(code + 12582912f)", "(sbyte)(int)code",
            "codes are cut off", "cache-append float32 to-int8"),
        new("cache.maximum-of-first-lanes", Convert, "int step = GroupSize / 2;", "int step = GroupSize / 4;",
            "half of the lanes do not count for the maximum", "cache-append float32 to-int8"),
        new("cache.maximum-signed", Convert, " & 0x7FFFFFFFu", "", "negative elements are the largest", "cache-append float32 to-int8"),
        new("cache.nan-lost", Convert, "max < Infinity ? Interop.IntAsFloat(max) / 127f : float.NaN;", "Interop.IntAsFloat(max) / 127f;",
            "a row with an infinity has an infinite scale", "cache-append float32 to-int8"),
        new("cache.no-barrier-after-maximum", Convert, "        Group.Barrier(); // lane 0 holds the maximum of the row\n", "",
            "the maximum is read while it is written", "cache-append float32 to-int8"),
        new("cache.no-barrier-in-maximum", Convert, "            Group.Barrier(); // the maxima of this level are written\n", "",
            "maxima are read while they are written", "cache-append float32 to-int8"),
        new("simd.cache-table-of-entry-0", SimdAppend, "args.BlockTable[b * args.TableStride + (row", "args.BlockTable[0 * args.TableStride + (row",
            "every batch entry has the blocks of the first", "cache-append float32 paged"),
        new("simd.cache-quantised-towards-zero", SimdRow, "(sbyte)MathF.Round(code);", "(sbyte)code;", "codes are cut off", "cache-append float32 to-int8"),
        new("simd.cache-quantised-by-128", SimdRow, "BitConverter.UInt32BitsToSingle(max) / 127", "BitConverter.UInt32BitsToSingle(max) / 128",
            "the largest element has no code", "cache-append float32 to-int8"),
        new("simd.cache-nan-lost", SimdRow, "max < 0x7F800000 ?", "max <= 0x7F800000 ?", "a row with an infinity has an infinite scale", "cache-append float32 to-int8"),
    ];
}
