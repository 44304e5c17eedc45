namespace AttnKernels.Verification;

/// <summary>
/// Faults in the CPU kernels: kernels/Simd. They compute with raw pointers, so no fault makes them leave the memory that they own or the
/// guards around tensors.
/// </summary>
internal static class SimdMutants
{
    private const string Exp2 = "kernels/Simd/Exp2.cs";
    private const string Online = "kernels/Simd/Attention/OnlineSoftmax.cs";
    private const string Forward = "kernels/Simd/Attention/FlashForward.cs";
    private const string Lanes = "kernels/Simd/Attention/LaneBand.cs";
    private const string Tile = "kernels/Simd/Attention/QueryTile.cs";
    private const string Block = "kernels/Simd/Attention/KeyBlock.cs";
    private const string KeyRows = "kernels/Simd/Attention/KeyRows.cs";
    private const string Plan = "kernels/Simd/Attention/AttentionPlan.cs";
    private const string Rules = "kernels/Simd/Attention/ScoreRules.cs";
    private const string Decode = "kernels/Simd/Decode/DecodeForward.cs";
    private const string Dots = "kernels/Simd/Decode/DotProducts.cs";
    private const string Pairs = "kernels/Simd/Decode/KeyElements.cs";
    private const string Run = "kernels/Simd/Decode/KeyRun.cs";
    private const string Matmul = "kernels/Simd/Matmul/BlockedMatmul.cs";
    private const string Activations = "kernels/Simd/Matmul/Activations.cs";
    private const string Store = "kernels/Simd/Matmul/StoreC.cs";
    private const string Micro = "kernels/Simd/MicroKernel.cs";
    private const string Product = "kernels/Simd/TileProduct.cs";
    private const string Softmax = "kernels/Simd/Softmax/RowSoftmax.cs";
    private const string ShortRow = "kernels/Simd/Softmax/ShortRows.cs";
    private const string Scores = "kernels/Simd/Softmax/RowScores.cs";
    private const string RowOps = "kernels/Simd/Rows.cs";
    private const string Elements = "kernels/Simd/Element.cs";
    private const string Rotary = "kernels/Simd/Cache/RotaryHead.cs";

    public static IReadOnlyList<Mutant> All { get; } =
    [
        // Functions.
        new("simd.exp2-coefficient", Exp2, "0.240164444f", "0.24018f", "a coefficient of exp2 off by 7e-5 of itself", "softmax float32"),
        new("simd.tanh-coefficient", Exp2, "0.02619229420358259f", "0.026197f",
            "a coefficient of tanh off by 2e-4 of itself", "softmax float32 softcap"),

        // Attention for many queries.
        new("simd.sum-not-rescaled", Online, "sum = W.Multiply(W.Load(l), factor);", "sum = W.Load(l);",
            "l keeps the scale of the old maximum", "attention float32 q501"),
        new("simd.output-not-rescaled", Online, "W.Store(alpha, factor);", "W.Store(alpha, W.Set(1));",
            "O keeps the scale of the old maximum", "attention float32"),
        new("simd.maximum-not-finite", Online,
            "V shift = W.Select(W.Equal(max, W.Set(float.NegativeInfinity)), W.Zero, max);", "V shift = max;",
            "-inf - -inf in lanes that have seen nothing", "attention float32"),
        new("simd.maximum-forgets", Online, "W.Store(m, max);", "W.Store(m, W.Load(m));", "m stays at -inf", "attention float32"),
        new("simd.tile-stays-fresh", Forward, "        tile.Fresh = false;\n", "",
            "every block of keys starts O anew", "attention float32"),
        new("simd.diagonal-not-applied", Forward, "bool ruled = plan.HasRules || partial;", "bool ruled = plan.HasRules;",
            "a block on the diagonal is taken as whole", "attention float32 causal"),
        new("simd.band-does-not-hide", Forward, "bool hides = partial || plan.Args.Score.HidesKeys", "bool hides = plan.Args.Score.HidesKeys",
            "0 * NaN of a key outside the band reaches O", "attention float32"),
        new("simd.guarded-zero-does-not-hide", Forward, "W.Select(W.Equal(weight, W.Zero), sum, more)", "more",
            "0 * NaN of a masked value reaches O", "attention float32"),
        new("simd.guarded-key-of-some-lanes-dropped", Forward, "|| W.SumAcross(weight) == 0) continue;", "|| W.SumAcross(weight) >= 0) continue;",
            "an infinite value is lost for the queries that see it", "attention float32 visible-nan"),
        new("simd.guarded-stretch-dropped", Forward, "AddProducts(plan, tile, block, band, key, next, p, ones);\n            if", "if",
            "finite keys beside infinite values are lost", "attention float32"),
        new("simd.matmul-guarded-starts-anew", Product, "fresh &= next == k;", "",
            "a row of infinite values discards what was before it", "matmul zero-hides"),
        new("simd.not-computed-again-guarded", Forward, "if (tiles[t].Hides && Rows<W, V>", "if (!tiles[t].Hides && Rows<W, V>",
            "a NaN of a masked value in O is stored", "attention float32"),
        new("simd.last-block-dropped", Forward,
            "key < end; key += AttentionPlan.BlockKeys)", "key < end - 1; key += AttentionPlan.BlockKeys)",
            "a block of one key is left out", "attention float32"),
        new("simd.idle-lanes-rescaled", Forward, "            if (!tile.Fresh && band[c].First >= band[c].End) continue;\n", "",
            "lanes that see nothing of a block are scaled again", "attention float32 causal"),
        new("simd.lane-end-of-lowest", Lanes, "band[c].End = Math.Clamp(tile.End[high]", "band[c].End = Math.Clamp(tile.End[low]",
            "a vector sees what its first lane sees", "attention float32 causal"),
        new("simd.window-start-of-highest", Lanes,
            "band[c].First = Math.Clamp(tile.First[low]", "band[c].First = Math.Clamp(tile.First[high]",
            "a vector's window starts where its last lane's does", "attention float32 window"),
        new("simd.window-not-partial", Lanes,
            "partial |= band[c].WholeFirst > band[c].First || band[c].WholeEnd < band[c].End;",
            "partial |= band[c].WholeEnd < band[c].End;",
            "the left edge of a window is taken as whole", "attention float32 window"),
        new("simd.empty-row-divides", Tile, "W.Select(W.Equal(l, W.Zero), W.Zero, W.Divide(W.Set(1), l));", "W.Divide(W.Set(1), l);",
            "a row that sees nothing gives 0 / 0", "attention float32 mask"),
        new("simd.lse-without-ln2", Tile, "M[lane] * Exp2.Ln2 + MathF.Log(L[lane])", "M[lane] + MathF.Log(L[lane])",
            "LSE with m in base 2", "attention float32 lse"),
        new("simd.alibi-sign", Tile, "* -Exp2.Log2E;", "* Exp2.Log2E;", "far keys gain", "attention float32 alibi"),
        new("simd.alibi-not-aligned", Tile, "Aligned[lane] = query + Shift;", "Aligned[lane] = query;",
            "distances from the top-left diagonal", "attention float32 alibi"),
        new("simd.keys-of-head-0", Block, "headKv * args.K.HeadStride", "0 * args.K.HeadStride",
            "every head reads the keys of head 0", "attention float32"),
        new("simd.key-lengths-ignored", Plan,
            "Args.Score.KeyLengths == null ? Args.SeqKv : Math.Clamp(Args.Score.KeyLengths[batch], 0, Args.SeqKv);", "Args.SeqKv;",
            "keys past a sequence's length count", "attention float32"),
        new("simd.bias-in-base-e", Micro, "W.Fma(bias, W.Set(Exp2.Log2E), sum)", "W.Add(bias, sum)",
            "the bias is not turned to base 2", "attention float32 bias"),
        new("simd.bias-does-not-hide-nan", Micro, "W.Select(W.Equal(bias, hidden), hidden, W.Fma(bias, W.Set(Exp2.Log2E), sum))", "W.Fma(bias, W.Set(Exp2.Log2E), sum)",
            "-inf + NaN of a hidden key", "attention float32 bias"),
        new("simd.bias-does-not-hide-nan-beside-softcap", Rules, "W.Select(W.Equal(b, hidden), hidden, W.Fma(b, log2E, W.Load(s)))", "W.Fma(b, log2E, W.Load(s))",
            "-inf + NaN of a hidden key", "attention float32 bias softcap"),
        new("simd.row-bias-does-not-hide-nan", Scores, "W.Select(W.Equal(b, hidden), hidden, W.Add(W.Load(scores + c), b))", "W.Add(W.Load(scores + c), b)",
            "-inf + NaN of a hidden key", "attention+weights float32 bias"),
        new("simd.bias-twice", Rules, "rules.Bias.Data != null && !plan.AddsToBias", "rules.Bias.Data != null",
            "the bias is added when the products are stored and once more", "attention float32 bias"),
        new("simd.bias-in-base-e-beside-softcap", Rules, "W.Fma(b, log2E, W.Load(s))", "W.Add(b, W.Load(s))",
            "a bias that follows a softcap is not turned to base 2", "attention float32 bias softcap"),
        new("simd.softcap-after-bias", Rules,
            "if (plan.SoftcapLog2 > 0) Softcap(s, step, keys, plan.SoftcapLog2);",
            "if (plan.SoftcapLog2 > 0 && rules.Bias.Data == null) Softcap(s, step, keys, plan.SoftcapLog2);",
            "no softcap beside a bias", "attention float32 softcap"),
        new("simd.mask-inverted", Rules,
            "W.LessBits(W.Zero, W.Load(mask)), W.Load(s), hidden)", "W.LessBits(W.Zero, W.Load(mask)), hidden, W.Load(s))",
            "true hides", "attention float32 mask"),
        new("simd.window-start-not-hidden", Rules,
            "        HideOutside(scores + lane, step, band.First, band.WholeFirst, tile, blockKey, lane);\n", "",
            "keys left of the window count", "attention float32 window"),
        new("simd.diagonal-not-hidden", Rules,
            "        HideOutside(scores + lane, step, band.WholeEnd, band.End, tile, blockKey, lane);\n", "",
            "keys right of the diagonal count", "attention float32 causal"),

        // Attention for few queries.
        new("decode.weights-not-rescaled", Decode, "float weight = MathF.Exp(partial[0] - m);", "float weight = 1;",
            "splits are added without their scale", "attention float32 q1, attention float32"),
        new("decode.sums-not-rescaled", Decode, "l += weight * partial[1];", "l += partial[1];",
            "the sums of splits are added without their scale", "attention float32"),
        new("decode.long-row-loses-its-last-key", Decode, "shift, keyLength));\n        if (first < end",
            "shift, keyLength) - (keyLength > 9000 ? 1 : 0));\n        if (first < end",
            "one key of more than 9,000 is left out", "attention traced bfloat16 q1"),
        new("decode.split-one-short", Decode,
            "int end = Math.Min(firstKey + DecodePlan.SplitKeys, ", "int end = Math.Min(firstKey + DecodePlan.SplitKeys - 1, ",
            "the last key of a split is left out", "attention float32"),
        new("decode.lse-without-sum", Decode, "= m + MathF.Log(l);", "= m;", "LSE without log l", "attention float32 lse"),
        new("decode.tail-columns-dropped", Decode,
            "for (int c = whole * W.Count; c < args.HeadDimV; c++)", "for (int c = whole * W.Count; c < args.HeadDimV - 1; c++)",
            "the last column past whole vectors is left out", "attention float32"),
        new("decode.zero-does-not-hide", Decode,
            "bool guarded = hides && Rows<W, V>", "bool guarded = !hides && Rows<W, V>",
            "0 * NaN of a masked value reaches O", "attention float32"),
        new("decode.zero-does-not-hide-in-tail", Decode, "if (weight != 0) sum =", "sum =",
            "0 * NaN of a masked value reaches the last columns", "attention float32"),
        new("decode.hidden-weights-not-cleared", Decode,
            "            for (int key = to; key < end; key++) p[key] = 0;\n",
            "            for (int key = to; key < end; key++) p[key] = 1;\n",
            "keys right of the diagonal weigh 1", "attention float32 causal"),
        new("decode.heads-of-group-0", Decode,
            "Address(plan.Args.Q, batch, headKv * plan.Group + row % plan.Group, row / plan.Group)",
            "Address(plan.Args.Q, batch, headKv * plan.Group, row / plan.Group)",
            "every head of a group has the first one's queries", "attention float32"),
        new("decode.dot-tail-dropped", Dots, "for (int j = 0; j < keys; j++)", "for (int j = 1; j < keys; j++)",
            "the first key of a run misses the tail of the head dim", "attention float32"),
        new("decode.pairs-of-queries-not-split", Decode, "if (EK.Pairs) SplitPairs", "if (!EK.Pairs) SplitPairs",
            "even and odd elements of K meet neighbours of Q", "attention float16 q1"),
        new("decode.pairs-of-output-not-joined", Decode, "if (EK.Pairs && sum != null) JoinPairs(sum, args.HeadDimV);", "",
            "even columns of O come before odd ones", "attention bfloat16 q1"),
        new("decode.unit-of-values-dropped", Decode, "Multiply(weights + row * DecodePlan.SplitKeys, EK.Unit,",
            "Multiply(weights + row * DecodePlan.SplitKeys, 1,", "fp16 values keep the exponent of binary16", "attention float16 q1"),
        new("decode.special-halves-are-numbers", Pairs, "W.Or(bits, W.SetBits(0x7F800000)), bits)", "bits, bits)",
            "a NaN of fp16 is taken for 98,304", "attention float16 q1"),
        new("decode.run-over-page", Run, "if (args.Keys.BlockTable != null) count", "if (args.Keys.BlockTable == null) count",
            "rows behind a page are taken for the next page", "attention float32 paged q1"),
        new("decode.run-over-wrap", Run, "if (beforeWrap > 0) count", "if (beforeWrap < 0) count",
            "rows behind a ring are taken for its first ones", "attention float32 ring q1"),
        new("decode.keys-not-scaled", Decode, "*element *= scale;", "*element *= 1;", "integers are taken for values", "attention float32 keys-int8 q1"),
        new("decode.zero-does-not-hide-scale", Decode, "if (!zeroHides || *element != 0)", "",
            "0 * NaN of the scale of a hidden key reaches O", "attention float32 keys-int8 q1"),

        // Where keys lie and how they are stored.
        new("simd.keys-table-of-entry-0", KeyRows, "keys.BlockTable[batch * keys.TableStride + (key >> keys.BlockShift)]",
            "keys.BlockTable[key >> keys.BlockShift]", "every batch entry has the blocks of the first", "attention float32 paged"),
        new("simd.keys-row-not-in-block", KeyRows, "row = key & ((1 << keys.BlockShift) - 1);", "row = 0;",
            "every key of a block is its first", "attention float32 paged"),
        new("simd.keys-not-scaled", KeyRows, "((float*)scales.Data)[Index(keys, scales, batch, headKv, key + j)]", "1",
            "integers are taken for values", "attention float32 keys-int8"),
        new("simd.keys-scale-of-first", KeyRows, "Index(keys, scales, batch, headKv, key + j)", "Index(keys, scales, batch, headKv, key)",
            "every key of a block has the scale of the first", "attention float32 keys-int8"),
        new("simd.int8-unsigned", Elements, "W.LoadInt8((sbyte*)source)", "W.Subtract(W.LoadInt8((sbyte*)source), W.Set(1))", "integers are off by 1",
            "attention float32 keys-int8"),
        new("simd.keys-values-scaled-as-keys", Decode, "args.Keys.VScales", "args.Keys.KScales",
            "values have the scales of keys", "attention float32 keys-int8 q1"),

        // Matmul.
        new("simd.matmul-depth-not-summed", Matmul, "k == 0 ? null : ones", "null",
            "only the last block of the depth counts", "matmul float32"),
        new("simd.matmul-group-of-b-ignored", Matmul, "batch1 / plan.GroupB,", "batch1 % plan.GroupB,",
            "B is shared by the wrong products", "matmul float32"),
        new("simd.matmul-zero-does-not-hide", Product, "if (*a != 0) sum =", "sum =", "0 * NaN reaches C", "matmul zero-hides"),
        new("simd.matmul-beta-ignored", Store, "if (args.Beta != 0) sum = W.Fma(beta, E.Load<W, V>(cRow + done * E.Size), sum);", "",
            "beta is 0 in whole vectors", "matmul float32"),
        new("simd.matmul-c-read-for-beta-0", Store, "if (args.Beta != 0) sum += ", "sum += ",
            "C is read where beta is 0", "matmul float32"),
        new("simd.matmul-bias-ignored", Store, "W.Load(bias + done));", "W.Zero);", "no bias in whole vectors", "matmul float32"),
        new("simd.matmul-bias-of-first-row", Store, "if (r == 0 || plan.BiasRow != 0)", "if (r == 0)",
            "where C is column-major, every column gets the first one's bias", "matmul float32"),
        new("simd.matmul-tail-without-alpha", Store, "float sum = args.Alpha * source[done]", "float sum = source[done]",
            "alpha is 1 in the tail columns", "matmul float32"),
        new("simd.activation-not-in-tail", Store, "TActivation.Apply<Width1, float>(sum)", "sum", "the tail columns have no activation", "matmul float32 Relu"),
        new("simd.activation-not-in-vectors", Store, "TActivation.Apply<W, V>(sum)", "sum", "whole vectors have no activation", "matmul float32 Relu"),
        new("simd.activation-of-block-only", "kernels/Simd/Matmul/MatmulPlan.cs", "&& Args.Activation == Activation.None;", "&& Args.M > 0;",
            "none where C is stored from registers", "matmul float32 Relu"),
        new("simd.activation-relu-sign", Activations, "W.Select(W.Less(x, W.Zero), W.Zero, x)", "W.Select(W.Less(x, W.Zero), x, W.Zero)",
            "ReLU keeps what is negative", "matmul float32 Relu"),
        new("simd.activation-gelu-by-tanh", Store, "Block<Gelu>(", "Block<GeluTanh>(", "exact GELU computed in tanh's form", "matmul float32 Gelu"),
        new("simd.activation-tanh-by-gelu", Store, "Block<GeluTanh>(", "Block<Gelu>(", "tanh's form computed exactly", "matmul float32 GeluTanh"),
        new("simd.activation-gelu-right-tail", Activations, "W.Select(W.Less(x, W.Zero), tail, W.Subtract(one, tail))", "tail", "Phi is even", "matmul float32 Gelu"),
        new("simd.activation-logistic-even", Activations, "W.Select(W.Less(y, W.Zero), e, one)", "one", "1 / (1 + exp(-|y|))", "matmul float32 Silu"),

        // Softmax.
        new("simd.softmax-log-without-maximum", Softmax, "float lse = m + MathF.Log(l);", "float lse = MathF.Log(l);",
            "log-softmax without m", "log-softmax float32"),
        new("simd.softmax-hidden-not-written", Softmax, "if (to < args.Columns) Rows", "if (to < 0) Rows",
            "columns past the end keep what they held", "softmax float32"),
        new("simd.softmax-empty-row-divides", Softmax, "l == 0 ? 0 : 1 / l, y, columns", "1 / l, y, columns",
            "a row that sees nothing gives 0 / 0", "softmax float32"),
        new("simd.softmax-short-rows-vector-not-summed", ShortRow, "V sum = TVectors.Value > 1 ? W.Add(s0, s1) : s0;", "V sum = s0;",
            "l misses the second vector of a row in registers", "softmax float32"),
        new("simd.softmax-alibi-sign", Scores, "scores[c] -= slope", "scores[c] += slope", "far columns gain", "softmax float32 alibi"),
        new("simd.softmax-softcap-tail", Scores, "(scores[c] / softcap, softcap)", "(scores[c] / softcap, 1)",
            "the tail columns are capped at 1", "softmax float32 softcap"),
        new("simd.softmax-mask-tail", Scores, "> 0 ? scores[c] : float.NegativeInfinity", "> 0 ? float.NegativeInfinity : scores[c]",
            "true hides in the tail columns", "softmax float32 mask"),
        new("simd.exponentials-tail-not-summed", RowOps, "            l += p;\n", "", "l misses the tail columns", "softmax float32"),
        new("simd.exponentials-maximum-not-finite", RowOps, "float.IsNegativeInfinity(m) ? 0 : m * Exp2.Log2E;", "m * Exp2.Log2E;",
            "-inf - -inf in rows that see nothing", "softmax float32"),
        new("simd.narrow-tail-not-scaled", RowOps, "row[c] * factor);", "row[c]);",
            "the tail columns are not divided by l", "softmax float32"),
        new("simd.non-finite-overlooked", RowOps, "float.IsNaN(tail + W.SumAcross(sum));", "float.IsNaN(tail);",
            "NaN in whole vectors is not found", "attention float32"),

        // Storage types.
        new("simd.float16-truncated", Elements,
            "W.AddBits(W.AddBits(magnitude, W.SetBits(0xC8000FFF)), odd)", "W.AddBits(magnitude, W.SetBits(0xC8000000))",
            "fp16 results are cut off", "float16"),
        new("simd.float16-small-results-flushed", Elements,
            "W.SetBits(0x38800000)), subnormal, normal)", "W.SetBits(0x38800000)), W.Zero, normal)",
            "subnormal fp16 results become 0", "softmax float16"),
        new("simd.float16-nan-operand-finite", Elements,
            "W.Select(isSpecial, W.Or(bits, W.SetBits(0x7F800000)), finite)", "finite",
            "NaN operands become finite", "attention float16"),
        new("simd.float16-nan-result-infinite", Elements, "W.SetBits(0x7E00), W.SetBits(0x7C00))", "W.SetBits(0x7C00), W.SetBits(0x7C00))",
            "NaN results become infinite", "attention float16"),
        new("simd.bfloat16-truncated", Elements, "W.AddBits(value, W.AddBits(W.SetBits(0x7FFF), W.And(upper, W.SetBits(1))))", "value",
            "bf16 results are cut off", "bfloat16"),

        // Rotary embedding and caches.
        new("simd.rotary-sign", Rotary, "W.Subtract(W.Multiply(a, c), W.Multiply(b, s))", "W.Add(W.Multiply(a, c), W.Multiply(b, s))",
            "no rotation", "rotary float32"),
        new("simd.rotary-neighbours", Rotary, "2 * k, 2 * k + 1", "k, k + pairs",
            "pairs of neighbours are taken as halves", "rotary float32"),
        new("simd.rotary-tail-not-copied", Rotary, "            if (x != y) Buffer.MemoryCopy(x + from, y + from, copied, copied);\n", "",
            "elements past rotaryDim are not copied", "rotary float32"),
        new("simd.rotary-positions-ignored", Rotary,
            "args.Positions == null ? s : args.Positions[(long)b * args.Seq + s];", "args.Positions == null ? s : args.Positions[s];",
            "every batch entry has the positions of the first", "rotary float32"),
        new("simd.cache-not-circular", "kernels/Simd/Cache/SimdCacheAppend.cs",
            "(start + r) % args.Capacity;", "Math.Min(start + r, args.Capacity - 1);",
            "rows past the end overwrite the last one", "cache-append float32"),
        new("simd.cache-starts-ignored", "kernels/Simd/Cache/SimdCacheAppend.cs",
            "args.Starts == null ? 0 : args.Starts[b];", "args.Starts == null ? 0 : args.Starts[0];",
            "every batch entry starts where the first does", "cache-append float32"),
    ];
}
