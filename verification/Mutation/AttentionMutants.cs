namespace AttnKernels.Verification;

/// <summary>Faults in fused attention on devices: kernels/Attention and what it stands on.</summary>
internal static class AttentionMutants
{
    private const string Row = "kernels/Attention/FlashRow.cs";
    private const string ScoreRow = "kernels/Policies/ScoreRow.cs";
    private const string Rows = "kernels/Attention/FlashRows.cs";
    private const string Forward = "kernels/Attention/FlashForward.cs";
    private const string Position = "kernels/Attention/FlashPosition.cs";
    private const string Copy = "kernels/Primitives/RowCopy.cs";
    private const string Reduce = "kernels/Primitives/RowReduce.cs";
    private const string Rules = "kernels/Policies/ScoreRules.cs";
    private const string Views = "kernels/Primitives/Views.cs";
    private const string Keys = "kernels/Policies/GeneralKeys.cs";
    private const string Band = "kernels/Simd/KeyBand.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // The online softmax.
        new("attention.output-not-rescaled", Row, "        o.Scale<TTile>(alpha);\n", "",
            "O keeps the scale of the old maximum", "attention float32"),
        new("attention.sum-not-rescaled", Row, "l = l * alpha + p0;", "l = l + p0;",
            "l keeps the scale of the old maximum", "attention float32"),
        new("attention.maximum-not-updated", Row, "m = SpecialMath.Max(mOld, RowReduce.Max(sRow));", "m = mOld;",
            "m stays at -inf", "attention float32"),
        new("attention.maximum-of-tile", Row, "m = SpecialMath.Max(mOld, RowReduce.Max(sRow));", "m = RowReduce.Max(sRow);",
            "m forgets earlier tiles", "attention float32 causal"),
        new("attention.maximum-not-finite", Row, "float finite = SpecialMath.FiniteMax(m);", "float finite = m;",
            "-inf - -inf in rows that have seen nothing", "attention float32 mask"),
        new("attention.second-key-not-summed", Row, "            l += p1;\n", "", "l misses every lane's second key", "attention float32"),
        new("attention.wide-keys-not-summed", Row, "            l += p2 + p3;\n", "            l += p2;\n",
            "l misses every lane's fourth key of a wide tile", "attention k141"),
        new("attention.wide-maximum-of-half", Row, "max = SpecialMath.Max(max, SpecialMath.Max(s.Z, s.W));",
            "max = SpecialMath.Max(max, s.Z);",
            "the maximum misses every lane's fourth key", "attention k141"),
        new("attention.wide-key-unmasked", Row, "j + 2 * LanesX, j + 3 * LanesX)", "j + 2 * LanesX, j + 2 * LanesX)",
            "the fourth key is masked as the third", "attention k141"),
        new("attention.wide-key-twice", Forward, "if (TTile.Keys > 2) k3 = keys[3 * step];", "if (TTile.Keys > 2) k3 = keys[2 * step];",
            "the fourth key is the third", "attention k141"),
        new("attention.last-section-full", Position, "int section = Math.Min(args.SectionHeads, heads - firstHead);",
            "int section = args.SectionHeads;",
            "the last section of heads counts heads that do not exist", "attention float32 causal"),
        new("attention.sections-are-one", Position, "int firstHead = index / (args.SectionHeads * tiles) * args.SectionHeads;",
            "int firstHead = 0;",
            "only the first section of heads is computed", "attention float32 causal"),
        new("attention.lse-in-base-2", Row, "SpecialMath.Log2(sum)) * SpecialMath.Ln2;", "SpecialMath.Log2(sum));",
            "LSE without ln 2", "attention float32 lse"),
        new("attention.lse-without-maximum", Row, "(m * output.Log2Factor + SpecialMath.Log2(sum))", "SpecialMath.Log2(sum)",
            "LSE without m", "attention float32 lse"),
        new("attention.empty-row-divides", Row, "o.Scale<TTile>(isEmpty ? 0f : 1f / sum);", "o.Scale<TTile>(1f / sum);",
            "a row that sees nothing gives 0 / 0", "attention float32 mask"),
        new("attention.nan-taken-for-empty", Row, "bool isEmpty = sum == 0f;", "bool isEmpty = !(sum > 0f);",
            "a row with a NaN becomes 0", "attention float32 visible-nan"),
        new("attention.three-quarters-of-sum", Reduce,
            "return (Sum(a) + Sum(b)) + (Sum(c) + Sum(d));", "return (Sum(a) + Sum(b)) + Sum(c);",
            "the sums of 12 of 16 lanes", "attention float32"),

        // Which pairs count.
        new("attention.band-start-ignored", ScoreRow, "key >= First && key < End", "key < End",
            "keys left of the window count", "attention float32 window"),
        new("attention.rows-past-the-end-score", ScoreRow, "row.End = i < at.SeqQ ? at.Band.End(i, at.Shift, at.KeyLength) : 0;",
            "row.End = at.Band.End(i, at.Shift, at.KeyLength);",
            "rows past the last query read masks", "attention float32 mask"),
        new("attention.second-key-misplaced", Row,
            "new I4(j, j + LanesX,", "new I4(j, j + 1,",
            "the second key's mask is its neighbour's", "attention float32 causal"),
        new("attention.lower-rows-misplaced", Rows, "Lower.ApplyScore(score, at, i + Step, j);", "Lower.ApplyScore(score, at, i, j);",
            "half the rows get the masks of the other half", "attention float32 causal"),
        new("attention.whole-tile-too-early", Forward, "j + Bc <= span.EndOfFirst;", "j < span.EndOfFirst;",
            "a tile that ends past the band is taken as whole", "attention float32"),
        new("attention.whole-tile-left-of-window", Forward, "j >= span.FirstOfLast && ", "",
            "a tile that starts before the window is taken as whole", "attention float32 window"),
        new("attention.last-key-dropped", Forward, "j < end; j += Bc)", "j < end - 1; j += Bc)",
            "a tile of one key is left out", "attention float32"),
        new("attention.key-lengths-ignored", Position,
            "if (args.HasKeyLengths != 0) at.KeyLength = Math.Min(args.SeqKv, Math.Max(0, args.KeyLengths[args.KeyLengthsOffset + at.B]));",
            "",
            "keys past a sequence's length count", "attention float32"),
        new("attention.alignment-by-capacity", Position,
            "args.Band.ShiftFor(at.SeqQ, at.KeyLength)", "args.Band.ShiftFor(at.SeqQ, args.SeqKv)",
            "bottom-right follows seqKv, not the key length", "attention float32"),
        new("attention.heads-interleaved", Position, "at.H / (args.HeadsQ / args.HeadsKv)", "at.H % args.HeadsKv",
            "query head h reads key head h % headsKv", "attention float32"),
        new("band.causal-sees-the-future", Band, "i + shift + Right + 1));", "i + shift + Right + 2));",
            "every query sees one key more", "attention float32 causal") { OnSimulator = true },
        new("band.window-one-short", Band, "Math.Max(0, i + shift - Left);", "Math.Max(0, i + shift - Left + 1);",
            "every query sees one key less on the left", "attention float32 window") { OnSimulator = true },
        new("band.alignment-ignored", Band, "=> Shift + FollowsEnd * (keyLength - seqQ);", "=> Shift;",
            "bottom-right is top-left", "attention float32 causal") { OnSimulator = true },

        // Tiles and their edges.
        new("attention.head-dim-tail-dropped", Forward, "int vectors = (headDim + 3) / 4;", "int vectors = headDim / 4;",
            "the last headDim % 4 elements of Q and K are left out", "attention float32"),
        new("attention.dots-not-summed", Row, "s.X = q.Dot(k0, s.X);", "s.X = q.Dot(k0, 0f);",
            "only the last four elements of the head dim count", "attention float32"),
        new("attention.wrong-value-row", Row, "o.Add<TTile, TMultiply>(p.Y, v1);", "o.Add<TTile, TMultiply>(p.Y, v0);",
            "a weight meets its neighbour's value", "attention float32"),
        new("attention.zero-weight-does-not-hide", Row, "        if (TMultiply.ZeroHides && p == 0f) return;\n", "",
            "0 * NaN of a masked value reaches O", "attention float32"),
        new("attention.partial-tile-does-not-hide", Forward, "else AddValues<ZeroHidesMultiply>(", "else AddValues<PlainMultiply>(",
            "0 * NaN of a masked value reaches O", "attention float32"),
        new("attention.rows-past-the-end-written", Row, "        if (i >= output.SeqQ) return;\n", "",
            "rows past the last query are written", "attention float32"),
        new("attention.columns-past-the-end-written", Row, "        if (column >= output.HeadDim) return;\n", "",
            "columns past headDimV are written", "attention float32"),
        new("attention.value-dim-is-head-dim", Forward, "chunk, args.HeadDimV, FlashTile", "chunk, args.HeadDim, FlashTile",
            "V is read headDim wide", "attention float32"),
        new("attention.lse-head-stride", Position,
            "((long)B * args.HeadsQ + h) * args.SeqQ", "((long)B * args.HeadsKv + h) * args.SeqQ",
            "LSE lies as if there were headsKv heads", "attention float32 lse"),
        new("copy.rows-past-the-end-read", Copy,
            "row >= firstRow && row < endRow && column < columns", "row >= firstRow && column < columns",
            "keys past the end are not zero-filled", "attention float32"),
        new("copy.whole-tile-past-the-end", Copy, "row0 >= firstRow && row0 + rows <= endRow)", "row0 >= firstRow)",
            "keys past the end are read", "attention float32"),
        new("copy.whole-tile-with-tails", Copy, "source.IsVector != 0 && (columns & 3) == 0 && ", "source.IsVector != 0 && ",
            "the gap after a row is read", "attention float32"),
        new("copy.whole-tile-not-padded", Copy, "            if (column < columns)\n", "",
            "elements past the row are read", "attention float32"),
        new("copy.whole-tile-stands-still", Copy, "            at += 4 * next;\n", "",
            "the first rows are loaded again and again", "attention float32"),
        new("copy.tail-read-as-vector", Copy,
            "if (source.IsVector != 0 && column + 4 <= columns) return", "if (source.IsVector != 0) return",
            "the gap after a row is read", "attention float32"),
        new("copy.tail-written-as-vector", Copy, "if (target.IsVector != 0 && column + 4 <= columns)", "if (target.IsVector != 0)",
            "the gap after a row is written", "attention float32, softmax float32"),
        new("copy.last-element-dropped", Copy, "if (column + 2 < columns) value.Z", "if (column + 3 < columns) value.Z",
            "the third element of a tail of three is 0", "attention float32, softmax float32"),

        // Barriers.
        new("attention.no-barrier-before-keys", Forward, "Group.Barrier(); // sKV and sP: the previous tile has been read", "",
            "K_j is written while V_j-1 is read", "attention float32"),
        new("attention.no-barrier-after-keys", Forward, "Group.Barrier(); // sKV holds K_j, sQ holds Q_i", "",
            "K_j is read while it is written", "attention float32"),
        new("attention.no-barrier-after-maxima", Forward, "Group.Barrier(); // sRow holds the partial maxima, K_j has been read", "",
            "V_j is written while K_j is read", "attention float32"),
        new("attention.no-barrier-after-values", Forward, "Group.Barrier(); // sKV holds V_j, sP holds P_ij", "",
            "V_j is read while it is written", "attention float32"),
        new("attention.no-barrier-after-sums", Forward, "Group.Barrier(); // sRow holds the partial sums", "",
            "the sums are read while they are written", "attention float32"),

        // Score rules.
        new("score.softcap-after-bias", Rules,
            """
                    if (Softcap > 0f) s = new F4(Cap(s.X), Cap(s.Y), Cap(s.Z), Cap(s.W));
                    if (Bias.Kind != FloatView.None) AddBias(ref s, Bias.Load(BiasAt.Row(row), BiasAt.ColumnStride, keys));

            """,
            """
                    if (Bias.Kind != FloatView.None) AddBias(ref s, Bias.Load(BiasAt.Row(row), BiasAt.ColumnStride, keys));
                    if (Softcap > 0f) s = new F4(Cap(s.X), Cap(s.Y), Cap(s.Z), Cap(s.W));

            """, "the bias is capped, too", "attention float32, softmax float32"),
        new("score.softcap-after-mask", Rules, "Blocks.Hide(ref s, row, keys);\n        return s;",
            "Blocks.Hide(ref s, row, keys);\n        if (Softcap > 0f) s = new F4(Cap(s.X), Cap(s.Y), Cap(s.Z), Cap(s.W));\n"
                + "        return s;",
            "a hidden key scores -softcap", "attention float32"),
        new("score.softcap-missing", Rules, "if (Softcap > 0f) s = new F4(Cap(s.X), Cap(s.Y), Cap(s.Z), Cap(s.W));", "",
            "no softcap", "attention float32 softcap"),
        new("score.third-key-capped-as-second", Rules, "Cap(s.Z), Cap(s.W)", "Cap(s.Y), Cap(s.W)",
            "one of four scores is its neighbour's", "attention float32 softcap"),
        new("score.fourth-key-masked-as-third", Rules, "Mask[row + keys.W * step] == 0", "Mask[row + keys.Z * step] == 0",
            "one of four scores is hidden by its neighbour's mask", "attention float32 mask"),
        new("score.bias-does-not-hide-nan", Rules, "bias.Z == hidden, bias.W == hidden", "bias.Z == hidden, false",
            "-inf + NaN of a hidden key", "attention float32 bias"),
        new("score.fourth-bias-of-third", Views, "w = row + columns.W * step;", "w = row + columns.Z * step;",
            "one of four scores gets its neighbour's bias", "attention float32 bias"),
        new("score.keys-beyond-the-band-read", ScoreRow, "Math.Max(First, Math.Min(key, End - 1))", "Math.Max(First, key)",
            "masks and biases are read past their last key", "attention float32 mask, attention float32 bias"),
        new("score.empty-band-read", ScoreRow, "if (!TScore.IsPointwise || First < End) s = ", "s = ",
            "a query without keys reads those of another", "attention float32 mask, attention float32 bias"),
        new("score.alibi-sign", Rules, "s.Fma(-AlibiSlopes", "s.Fma(AlibiSlopes", "far keys gain", "attention float32 alibi"),
        new("score.alibi-not-aligned", ScoreRow, "(float)(key - Aligned)", "(float)(key - I)",
            "distances from the top-left diagonal", "attention float32 alibi"),
        new("score.mask-inverted", Rules, "s.Hide(Mask[row + keys.X * step] == 0", "s.Hide(Mask[row + keys.X * step] != 0",
            "true hides", "attention float32 mask"),
        new("score.bias-of-head-0", Views,
            "b * BatchStride + h * HeadStride + i * RowStride + (long)j", "b * BatchStride + i * RowStride + (long)j",
            "every head gets the bias of head 0", "attention float32 bias"),
        new("score.tanh-series", "kernels/Primitives/SpecialMath.cs", "2f / 15f", "2f / 5f",
            "a coefficient of tanh near 0", "attention float32 softcap"),
        new("score.tanh-series-too-far", "kernels/Primitives/SpecialMath.cs", "< 0.15f", "< 0.6f",
            "the series of tanh is used where it is off", "attention float32 softcap"),

        // Where keys lie and how they are stored.
        new("keys.table-of-entry-0", Keys, "Table[TableOffset + place.B * TableStride + (j >> BlockShift)]",
            "Table[TableOffset + (j >> BlockShift)]",
            "every batch entry has the blocks of the first", "attention float32 paged"),
        new("keys.row-not-in-block", Keys, "row = j & ((1 << BlockShift) - 1);", "row = 0;",
            "every key of a block is its first", "attention float32 paged"),
        new("keys.scale-of-row-0", "kernels/Policies/StoredRows.cs", " + row * ScaleRowStride", "",
            "every key of a head has the scale of the first", "attention float32 keys-int8"),
        new("keys.head-0", Keys, "source.Place(entry, place.HeadKv, row)", "source.Place(entry, 0, row)",
            "every head reads head 0", "attention float32 keys-int8"),
        new("keys.hidden-rows-loaded", Keys, "if (key >= firstRow && key < endRow && column < columns)", "if (column < columns)",
            "keys outside the band are read", "attention float32 paged"),

        // Rotary embedding and caches.
        new("rotary.sign", "kernels/Attention/RotaryEmbedding.cs", "a * cos - c * sin", "a * cos + c * sin",
            "no rotation", "rotary float32"),
        new("rotary.never-interleaved", "kernels/Attention/RotaryEmbedding.cs",
            "int first = args.IsInterleaved != 0 ? 2 * k : k;", "int first = k;",
            "pairs of neighbours start like halves", "rotary float32"),
        new("rotary.tail-not-copied", "kernels/Attention/RotaryEmbedding.cs",
            "            args.Y.Data[y + k + pairs] = args.X.Data[x + k + pairs];\n", "",
            "elements past rotaryDim are not copied", "rotary float32"),
        new("rotary.positions-ignored", "kernels/Attention/RotaryEmbedding.cs",
            "row = args.Positions[args.PositionsOffset + (long)b * args.Seq + s];", "row = args.Positions[args.PositionsOffset + s];",
            "every batch entry has the positions of the first", "rotary float32"),
        new("cache.not-circular", "kernels/Attention/CacheAppend.cs", "if (IsRing != 0) target %= Capacity;", "",
            "rows past the end are dropped", "cache-append float32"),
        new("cache.starts-ignored", "kernels/Attention/CacheAppend.cs",
            "if (HasStarts != 0) target += Starts[StartsOffset + b];", "",
            "everything is written from row 0 on", "cache-append float32"),
    ];
}
