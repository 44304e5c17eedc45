namespace AttnKernels.Cli.Features;

/// <summary>Every form that the library's problems can take, a line each. <see cref="FeatureTable"/> finds out what is built.</summary>
internal static class FeatureForms
{
    private const int Wide = 512;

    public static readonly FeatureSection[] Sections =
    [
        new("Scores", ["fused attention", "attention with weights", "softmax"],
        [
            Score("no mask", p => p),
            Score("causal: top-left, bottom-right, at an offset", p => p with { Causal = CausalMask.BottomRight }),
            Score("window, left and right", p => p with { WindowLeft = 4, WindowRight = 2, Alignment = BandAlignment.BottomRight }),
            Score("key lengths per batch entry", p => p with { KeyLengths = true }),
            Score("boolean mask", p => p with { Mask = true }),
            Score("additive bias, Float32", p => p with { Bias = true }),
            Score("additive bias, Float16", p => p with { Bias = true, BiasType = DType.Float16 }),
            Score("additive bias, BFloat16", p => p with { Bias = true, BiasType = DType.BFloat16 }),
            Score("ALiBi slopes", p => p with { Alibi = true, Alignment = BandAlignment.BottomRight }),
            Score("soft cap", p => p with { Softcap = 30 }),
            Score("log-sum-exp of each row returned", p => p with { Lse = true }),
            Score("attention sinks", p => p with { Sinks = true }),
            Score("a scale for each head", p => p with { HeadScales = true }),
            Score("documents", p => p with { Documents = true }),
            Score("block-sparse mask", p => p with { Blocks = new BlockSparsity(16, 16) }),
            new("a factor of one's own",
                t => Attention(t) with { Scale = 1 }, t => Weights(t) with { Scale = 1 }, t => Softmax(t) with { Scale = 2 }),
        ]),
        new("Rules of one's own", ["fused attention", "attention with weights"],
        [
            new("a score modifier, a C# struct that is compiled in", t => new RuledProblem(Attention(t)),
                t => new RuledProblem(Weights(t))),
        ]),
        new("Keys and heads", ["fused attention", "attention with weights"],
        [
            Keys("grouped and multi-query heads", p => p with { HeadsKv = 2 }),
            Keys("values of another length than the keys", p => p with { HeadDimV = 32 }),
            Keys($"head dims above 256 (here {Wide})", p => p with { HeadDim = Wide }),
            Keys("latent keys of 576 and values of 512, one head for all queries",
                p => p with { HeadsKv = 1, HeadDim = 576, HeadDimV = 512 }),
            Keys("fp32 multiplied as TF32 in three parts, on request", p => p with { InputPrecision = InputPrecision.Tf32x3 }) with
            { Only = DType.Float32 },
            Keys("paged key/value cache", p => p with { Kv = KvLayout.Paged(16, 8) }),
            Keys("ring cache of the last keys", p => p with { Kv = KvLayout.Ring, KeyLengths = true }),
            Keys("packed sequences", p => p with { Packed = new PackedSequences(20, 60) }),
            Keys("packed queries over a cache", p => p with { Packed = new PackedSequences(20, null), KeyLengths = true }),
            Keys("cosine similarity", p => p with { Similarity = Similarity.Cosine, HeadScales = true }),
            Keys("rotary embedding fused, half-split, partial", p => p with { Rotary = new RotaryForm(32, 128) }),
            Keys("rotary embedding fused, interleaved, by positions", p => p with { Rotary = new RotaryForm(64, 128, true, true) }),
            Keys("keys and values in Float32", p => p with { KvType = DType.Float32 }),
            Keys("keys and values in Float16", p => p with { KvType = DType.Float16 }),
            Keys("keys and values in BFloat16", p => p with { KvType = DType.BFloat16 }),
            Keys("keys and values in Int8, with scales", p => p with { KvType = DType.Int8 }),
        ]),
        new("Other operations", ["built"],
        [
            new("matmul, batched, with views of any strides", t => Matmul(t) with { Batch0 = 2, Batch1 = 4 }),
            new("matmul, transposed operands", t => Matmul(t) with { TransposeA = true, TransposeB = true }),
            new("matmul, grouped B", t => Matmul(t) with { Batch1 = 4, GroupB = 2 }),
            new("matmul, alpha and beta", t => Matmul(t) with { Alpha = 2, Beta = 1 }),
            new("matmul, bias", t => Matmul(t) with { Bias = true, BiasType = t }),
            new("matmul, ReLU", t => Matmul(t) with { Activation = Activation.Relu }),
            new("matmul, GELU", t => Matmul(t) with { Activation = Activation.Gelu }),
            new("matmul, GELU in tanh's form", t => Matmul(t) with { Activation = Activation.GeluTanh }),
            new("matmul, SiLU", t => Matmul(t) with { Activation = Activation.Silu }),
            new("matmul to Float32", t => Matmul(t) with { TypeC = DType.Float32 }),
            new("matmul of Float32 and the type", t => Matmul(t) with { TypeA = DType.Float32 }),
            new("matmul of the type and Float32", t => Matmul(t) with { TypeB = DType.Float32 }),
            new("matmul of fp32 as TF32 in three parts, on request", t => Matmul(t) with { InputPrecision = InputPrecision.Tf32x3 })
            { Only = DType.Float32 },
            new("matmul of fp32 as TF32, on request", t => Matmul(t) with { InputPrecision = InputPrecision.Tf32 })
            { Only = DType.Float32 },
            new("softmax, batched", t => Softmax(t) with { Batch = 2, Heads = 4 }),
            new("softmax to Float32", t => Softmax(t) with { OutputType = DType.Float32 }),
            new("log-softmax", t => Softmax(t) with { Log = true }),
            new("scores without a softmax", t => Softmax(t) with { Scores = true }),
            new("rotary embedding, half-split", t => Rotary(t)),
            new("rotary embedding, interleaved", t => Rotary(t) with { Interleaved = true }),
            new("rotary embedding of a part of the row", t => Rotary(t) with { RotaryDim = 32 }),
            new("rotary embedding by positions", t => Rotary(t) with { MaxPosition = 128 }),
            new("rotary embedding, Float32 angles", t => Rotary(t) with { AngleType = DType.Float32 }),
            new("cache append at row 0", t => Append(t)),
            new("cache append at a row per batch entry", t => Append(t) with { Starts = true }),
            new("cache append to a ring", t => Append(t) with { Starts = true, Kv = KvLayout.Ring }),
            new("cache append to a paged cache", t => Append(t) with { Kv = KvLayout.Paged(16, 8) }),
            new("cache append, converted to Float32", t => Append(t) with { CacheType = DType.Float32 }),
            new("cache append, converted to Float16", t => Append(t) with { CacheType = DType.Float16 }),
            new("cache append, converted to BFloat16", t => Append(t) with { CacheType = DType.BFloat16 }),
            new("cache append, quantised to Int8 with scales", t => Append(t) with { CacheType = DType.Int8 }),
            new("merge of partial results", t => Merge(t) with { Lse = true }),
            new("merge of Float32 parts", t => Merge(t) with { PartType = DType.Float32 }),
            new("weights of chosen rows after a fused run", t => Rows(t, p => p)),
            new("weights of chosen rows, paged keys in Int8",
                t => Rows(t, p => p with { Kv = KvLayout.Paged(16, 8), KvType = DType.Int8 })),
            new("weights of chosen rows, packed sequences", t => Rows(t, p => p with { Packed = new PackedSequences(20, 60) })),
            new("weights of chosen rows, ring cache", t => Rows(t, p => p with { Kv = KvLayout.Ring, KeyLengths = true })),
            new("weights of chosen rows, rotary embedding and cosine similarity",
                t => Rows(t, p => p with { Rotary = new RotaryForm(32, 128), Similarity = Similarity.Cosine })),
            new("weights of chosen rows, a score modifier", t => new RuledProblem(Attention(t) with { Lse = true }, Rows: 3)),
        ]),
    ];

    private static FeatureRow Score(string form, Func<ScoreProblem, ScoreProblem> with) =>
        new(form, t => with(Attention(t)), t => with(Weights(t)), t => with(Softmax(t)));

    private static FeatureRow Keys(string form, Func<AttentionProblem, AttentionProblem> with) =>
        new(form, t => with(Attention(t)), t => with(Weights(t)));

    private static AttentionProblem Attention(DType type) =>
        new() { Batch = 2, HeadsQ = 4, SeqQ = 16, SeqKv = 48, HeadDim = 64, Type = type };

    private static AttentionProblem Weights(DType type) => Attention(type) with { Weights = true };

    private static WeightsProblem Rows(DType type, Func<AttentionProblem, AttentionProblem> with) =>
        new() { Attention = with(Attention(type)) with { Lse = true }, Rows = 3 };

    private static SoftmaxProblem Softmax(DType type) => new() { Rows = 16, Columns = 48, Type = type };

    private static MatmulProblem Matmul(DType type) => new() { M = 64, N = 64, K = 64, Type = type };

    private static RotaryProblem Rotary(DType type) => new() { Batch = 2, Heads = 4, Seq = 16, HeadDim = 64, Type = type };

    private static CacheAppendProblem Append(DType type) =>
        new() { Batch = 2, Heads = 4, Capacity = 48, Rows = 4, HeadDim = 64, Type = type };

    private static MergeProblem Merge(DType type) => new() { Parts = 2, Batch = 2, Heads = 4, Seq = 16, HeadDim = 64, Type = type };
}
