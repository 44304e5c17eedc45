namespace AttnKernels.Verification;

/// <summary>Faults in sinks, scales of heads, documents and blocks, of both kinds of kernels.</summary>
internal static class ScoreFormMutants
{
    private const string Row = "kernels/Attention/FlashRow.cs";
    private const string Rules = "kernels/Policies/ScoreRules.cs";
    private const string Masks = "kernels/Policies/TileMasks.cs";
    private const string Tile = "kernels/Simd/Attention/QueryTile.cs";
    private const string SimdRules = "kernels/Simd/Attention/ScoreRules.cs";
    private const string SimdMask = "kernels/Simd/TileMask.cs";
    private const string Decode = "kernels/Simd/Decode/DecodeForward.cs";
    private const string Scores = "kernels/Simd/Softmax/RowScores.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        new("forms.sink-without-rescale", Row,
            "        o.Scale<TTile>(SpecialMath.Exp2((m - SpecialMath.FiniteMax(state.M)) * log2Factor));\n", "",
            "O keeps the scale of the maximum without the sink", "attention float32 sinks"),
        new("forms.sink-not-in-maximum", Row, "        m = state.M;\n        return state.L;", "        return state.L;",
            "LSE with the maximum without the sink", "attention float32 sinks"),
        new("forms.sink-of-head-0", Rules, "Sinks[SinksOffset + h]", "Sinks[SinksOffset]", "every head has the first one's sink",
            "attention float32 sinks"),
        new("forms.softmax-without-sink", "kernels/Softmax/FusedSoftmax.cs",
            "        if (TScore.IsGeneral) state.Merge(args.Score.Sink(row.Seen.H), 1f, factor);\n", "",
            "no sink in unfused attention", "attention+weights float32 sinks"),
        new("forms.scale-of-head-0", Rules, "HeadScales[HeadScalesOffset + row.H]", "HeadScales[HeadScalesOffset]",
            "every head has the first one's scale", "attention float32 head-scales"),
        new("forms.documents-of-batch-0", Masks, "        long kv = KvOffset + row.B * KvBatchStride;", "        long kv = KvOffset;",
            "keys have the documents of the first batch entry", "attention float32 documents"),
        new("forms.documents-apart-too-early", Masks, "return qMax < kvMin ||", "return qMax <= kvMin ||",
            "a tile of the same document is skipped", "attention float32 documents"),
        new("forms.document-range-of-first-key", Masks, "            kvMax = Math.Max(kvMax, id);\n", "",
            "a tile is taken to end in the document that it starts with", "attention float32 documents"),
        new("forms.blocks-inverted", Masks, "At.ColumnStride] == 0;", "At.ColumnStride] != 0;", "true hides", "attention float32 blocks"),
        new("forms.last-block-of-tile-ignored", Masks, "column <= jLast / KeyBlock", "column < jLast / KeyBlock",
            "a tile is skipped though its last block is visible", "attention float32 blocks"),

        new("simd.sink-without-rescale", Tile, "            if (hasSinks) inverse = W.Multiply(inverse, W.Load(Alpha + c * W.Count));\n",
            "",
            "O keeps the scale of the maximum without the sink", "attention float32 sinks q37"),
        new("simd.sink-in-base-e", Tile, "Sinks[RowOf(plan, lane).Head] * Exp2.Log2E;", "Sinks[RowOf(plan, lane).Head];",
            "the sink is not scaled to base 2", "attention float32 sinks q37"),
        new("simd.scale-of-head-0", Tile, "HeadScales[RowOf(plan, lane).Head];", "HeadScales[0];",
            "every head has the first one's scale", "attention float32 head-scales"),
        new("simd.documents-one-way", SimdRules, "W.Or(W.LessBits(id, lanes), W.LessBits(lanes, id));", "W.LessBits(id, lanes);",
            "later documents are visible", "attention float32 documents"),
        new("simd.documents-of-block-start", SimdRules, "DocumentsKvStride + blockKey + band.First;", "DocumentsKvStride + blockKey;",
            "keys of a window have their predecessors' documents", "attention float32 documents"),
        new("simd.block-one-long", SimdRules, "(block + 1L) * rules.KeyBlock - firstKey);",
            "(block + 1L) * rules.KeyBlock + 1 - firstKey);",
            "a block covers one key more", "attention float32 blocks"),
        new("simd.documents-apart-too-early", SimdMask, "return qMax < kvMin ||", "return qMax <= kvMin ||",
            "a tile of the same document is skipped", "attention float32 documents"),
        new("simd.last-block-of-tile-ignored", SimdMask, "column <= (keyEnd - 1) / rules.KeyBlock",
            "column < (keyEnd - 1) / rules.KeyBlock",
            "a tile is skipped though its last block is visible", "attention float32 blocks"),
        new("simd.blocks-of-first-head", SimdMask, "head < firstHead + heads;", "head < firstHead + 1;",
            "the first head of a group decides for all", "attention float32 blocks"),
        new("simd.decode-sink-not-summed", Decode, "float.IsNegativeInfinity(sink) ? 0 : MathF.Exp(sink - m);", "0;",
            "no sink for few queries", "attention float32 sinks q2"),
        new("simd.softmax-sink-not-summed", "kernels/Simd/Softmax/RowSoftmax.cs",
            "        if (!float.IsNegativeInfinity(sink)) l += Rows<W, V>.Exponentials(&sink, 1, m, keep: true);\n", "",
            "no sink in the sum", "softmax float32 sinks, attention+weights float32 sinks"),
        new("simd.softmax-blocks-ignored", Scores, "visible[block * rules.Blocks.ColumnStride] == 0", "false",
            "no block mask for few queries and in the softmax", "softmax float32 blocks, attention+weights float32 blocks"),
    ];
}
