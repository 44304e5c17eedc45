using System.Globalization;
using static AttnKernels.DType;

namespace AttnKernels.Verification;

/// <summary>Which choices make a problem of each operation. Every combination it can draw is valid.</summary>
internal static class FuzzGenerator
{
    private static readonly DType[] Types = [Float32, Float16, DType.BFloat16];
    private static readonly DType?[] TypesOrSame = [null, Float32, Float16, DType.BFloat16];
    private static readonly DType?[] KvTypesOrSame = [.. TypesOrSame, Int8];
    private static readonly double[] Logits = [1, 3, 10, 50];
    private static readonly float?[] Scales = [null, 1, 0.01f, 0.3f, -0.5f, 0];
    private static readonly float[] Softcaps = [0, 2, 5, 30];
    private static readonly Placement[] Matrices = [.. Placement.Rows, Placement.ColumnMajor];
    private static readonly Axes4[] AllAxes = [.. Enumerable.Range(0, 16).Select(axes => (Axes4)axes)];

    private enum Diagonal
    {
        None,
        TopLeft,
        BottomRight,
        At,
    }

    public static IReadOnlyList<string> Operations { get; } = ["matmul", "softmax", "attention", "rotary", "cache-append", "merge"];

    /// <summary>Attention, with the most to combine, has the largest share.</summary>
    public static string OperationAt(double lot) =>
        Operations[lot switch { < 0.25 => 0, < 0.45 => 1, < 0.88 => 2, < 0.92 => 3, < 0.96 => 4, _ => 5 }];

    /// <summary>Most multiplications: hundredths of a second for the reference, and for a device that interprets.</summary>
    public static double Budget(CaseSize size) => size == CaseSize.Tiny ? 50_000 : 3_000_000;

    /// <summary>A problem and its cost in multiplications.</summary>
    public static (VerificationCase Case, double Cost) Draw(string operation, FuzzChoices choices, CaseSize size) => operation switch
    {
        "matmul" => Matmul(choices, size),
        "softmax" => Softmax(choices, size),
        "attention" => Attention(choices, size),
        "rotary" => Rotary(choices, size),
        "cache-append" => CacheAppend(choices, size),
        _ => Merge(choices, size),
    };

    private static (VerificationCase, double) Matmul(FuzzChoices choose, CaseSize size)
    {
        int max = size == CaseSize.Tiny ? 130 : 1100;
        int group = choose.Size("group", 8);
        MatmulProblem p = new()
        {
            M = choose.Size("M", max),
            N = choose.Size("N", max),
            K = choose.Size("K", size == CaseSize.Tiny ? 3 * max : 4100),
            Parts = choose.Pick("parts", 0.8, [0, 2, 7], parts => $"{parts}"),
            Batch0 = choose.Few("batch0", 4),
            Batch1 = group * choose.Few("batch1", 8),
            GroupB = group,
            Type = Type(choose, "type"),
            TransposeA = choose.Flag("transposeA", 0.4),
            TransposeB = choose.Flag("transposeB", 0.4),
            Alpha = choose.Pick("alpha", 0.6, [1f, 0.5f, -0.25f, 0f], Label),
            Beta = choose.Pick("beta", 0.6, [0f, 1f, -1.5f], Label),
            Bias = choose.Flag("bias", 0.3),
            SkipZeroA = choose.Flag("zeroHides", 0.2),
        };
        // Products with hidden elements are unfused attention's, which never asks for the naive kernel.
        if (!p.SkipZeroA) p = p with { Naive = choose.Flag("naive", 0.1) };
        p = p with { TypeB = TypeOr(choose, "typeB", p.TypeA), TypeC = TypeOr(choose, "typeC", p.TypeA) };
        if (p.Bias) p = p with { BiasType = Type(choose, "biasType") };
        if (p.TypeA == Float32 && p.TypeB == Float32)
            p = p with { InputPrecision = choose.Pick("precision", 0.4, Enum.GetValues<InputPrecision>(), precision => $"{precision}") };
        CaseOptions options = new() { Placement = choose.Pick("placement", 0.5, Matrices, l => l.Name) };
        Placement placementB = choose.Pick("placementB", 0.5, Matrices, l => l.Name);
        if (!p.SkipZeroA)
            p = p with { Activation = choose.Pick("activation", 0.6, Enum.GetValues<Activation>(), activation => $"{activation}") };
        return (new MatmulCase(p, options, "", size) { PlacementB = placementB }, p.Flops / 2);
    }

    private static (VerificationCase, double) Softmax(FuzzChoices choose, CaseSize size)
    {
        const double CostOfElement = 30;
        SoftmaxProblem p = new()
        {
            Batch = choose.Few("batch", 3),
            Heads = choose.Few("heads", 4),
            Rows = choose.Size("rows", size == CaseSize.Tiny ? 70 : 1100),
            Columns = choose.Size("columns", size == CaseSize.Tiny ? 600 : 5000),
            Type = Type(choose, "type"),
            Log = choose.Flag("log", 0.4),
            Scale = choose.Pick("scale", 0.5, [1f, 0.7f, -1.5f, 0.01f, 0f], Label),
        };
        if (!p.Log) p = p with { Scores = choose.Flag("scores", 0.2) };
        bool inPlace = choose.Flag("inPlace", 0.25);
        if (!inPlace) p = p with { OutputType = TypeOr(choose, "to", p.Type) };
        (ScoreProblem score, CaseOptions options) = Score(choose, p, p.Scale == 1);
        p = (SoftmaxProblem)score;
        options = options with { InPlace = inPlace, Rising = choose.Flag("rising", 0.1), Placement = Rows(choose) };
        return (new SoftmaxCase(p, options, "", size),
            CostOfElement * p.Batch * p.Heads * p.Rows * p.Columns);
    }

    private static (VerificationCase, double) Attention(FuzzChoices choose, CaseSize size)
    {
        const double CostOfScore = 30;
        int max = size == CaseSize.Tiny ? 140 : 1100;
        int headsKv = choose.Few("headsKv", 4);
        int widest = choose.Flag("wideHeads", 0.06) ? 640 : 256, headDim = choose.Size("headDim", widest);
        bool isDecode = choose.Flag("decode", 0.15); // few queries, more keys than a split of decoding
        bool isShort = !isDecode && choose.Flag("short", 0.15); // queries whose heads share tiles, more keys than a split on tensor cores
        int seqQ = choose.Size("seqQ", isDecode ? 8 : isShort ? 70 : max);
        AttentionProblem p = new()
        {
            Batch = choose.Few("batch", 3),
            HeadsKv = headsKv,
            HeadsQ = headsKv * choose.Few("group", 8),
            SeqQ = seqQ,
            SeqKv = isDecode ? choose.SizePast("seqKv", 256, 860)
                : isShort ? choose.SizePast("seqKv", 512, 1400)
                : choose.Size("seqKv", Math.Max(max, 600), seqQ),
            HeadDim = headDim,
            HeadDimV = choose.Flag("otherDimV", 0.3) ? choose.Size("headDimV", widest) : headDim,
            Type = Type(choose, "type"),
            Scale = choose.Pick("scale", 0.6, Scales, scale => scale is { } value ? Label(value) : "default"),
            Weights = choose.Flag("weights", 0.3),
        };
        (ScoreProblem score, CaseOptions options) = Score(choose, p, p.Scale is null);
        p = (AttentionProblem)score;
        options = options with { Modifier = choose.Pick("rule", 0.85, Enum.GetValues<CaseModifier>(), rule => rule.ToString()) };
        if (!p.Weights) p = Keys(choose, p);
        if (p.KvType == Int8) options = options with { VisibleNaN = false }; // an integer cannot be NaN
        // A query before position 0 is NaN, which a bias of -inf does not hide.
        if (p.Rotary is { Positions: false }) options = options with { InfiniteBias = false };
        if (p.Lse && !p.Weights) options = options with { WeightRows = choose.Number("weightRows", 3) };
        // A scale of 0 has no query that singles a key out.
        if (p.Scale != 0 && choose.Flag("traced", 0.1)) options = options with { Traced = true, VisibleNaN = false };
        if (p.Type == Float32 && p.Rotary is null && p.Similarity == Similarity.DotProduct)
            p = p with
            {
                InputPrecision = choose.Pick(
                    "precision", 0.6, [InputPrecision.Ieee, InputPrecision.Tf32x3], precision => $"{precision}"),
            };
        bool packed = p.HasPlainKeys && p.SeqKv == p.SeqQ && p.HeadDimV == p.HeadDim && choose.Flag("packed", 0.4);
        options = packed ? options with { Packed = true } : options with { Placement = Rows(choose) };
        return (new AttentionCase(p, options, "", size),
            (p.HeadDim + p.HeadDimV + CostOfScore) * p.Batch * p.HeadsQ * p.SeqQ * p.SeqKv);
    }

    /// <summary>How K and V are stored.</summary>
    private static AttentionProblem Keys(FuzzChoices choose, AttentionProblem p)
    {
        p = p with { KvType = choose.Pick("kvType", 0.7, KvTypesOrSame, t => t?.ToString() ?? "same") ?? p.Type };
        int shift = choose.Number("blockShift", 6);
        bool areKeysPacked = false;
        if (choose.Flag("cosine", 0.1)) p = p with { Similarity = Similarity.Cosine };
        if (p.HeadDim > 1 && choose.Flag("rotary", 0.15))
        {
            p = p with
            {
                Rotary = new RotaryForm(
                    Math.Min(2 * choose.Size("pairs", Math.Max(128, p.HeadDim / 2)), p.HeadDim & ~1),
                    (3 * p.SeqKv) + choose.Number("morePositions", 20),
                    choose.Flag("interleaved", 0.5), choose.Flag("positions", 0.4)),
            };
        }
        if (choose.Flag("sequences", 0.15))
        {
            areKeysPacked = choose.Flag("keysPacked", 0.6);
            p = p with { Packed = new PackedSequences(Total("totalQ", p.SeqQ), areKeysPacked ? Total("totalKv", p.SeqKv) : null) };
        }
        if (areKeysPacked) return p;
        if (p.KeyLengths && p.Rotary is not { Positions: true } && choose.Flag("ring", 0.3)) return p with { Kv = KvLayout.Ring };
        if (!choose.Flag("paged", 0.2)) return p;
        int blocks = p.Batch * (((p.SeqKv - 1) >> shift) + 1);
        return p with { Kv = KvLayout.Paged(1 << shift, blocks + choose.Number("spareBlocks", 3)) };

        int Total(string name, int longest) => longest + choose.Number(name, p.Batch * longest);
    }

    private static (VerificationCase, double) Rotary(FuzzChoices choose, CaseSize size)
    {
        int turning = 2 * choose.Size("pairs", 128);
        RotaryProblem p = new()
        {
            Batch = choose.Few("batch", 3),
            Heads = choose.Few("heads", 8),
            Seq = choose.Size("seq", size == CaseSize.Tiny ? 40 : 600),
            RotaryDim = turning,
            HeadDim = turning + choose.Number("rest", 20),
            Interleaved = choose.Flag("interleaved", 0.5),
            MaxPosition = choose.Number("maxPosition", 100),
            Type = Type(choose, "type"),
        };
        p = p with { AngleType = TypeOr(choose, "angleType", p.Type) };
        CaseOptions options = new() { InPlace = choose.Flag("inPlace", 0.3), Placement = Rows(choose) };
        return (new RotaryCase(p, options, "", size), 10.0 * p.Batch * p.Heads * p.Seq * p.HeadDim);
    }

    private static (VerificationCase, double) CacheAppend(FuzzChoices choose, CaseSize size)
    {
        int rows = choose.Size("rows", size == CaseSize.Tiny ? 40 : 600);
        CacheAppendProblem p = new()
        {
            Batch = choose.Few("batch", 4),
            Heads = choose.Few("heads", 8),
            Rows = rows,
            Capacity = rows + choose.Number("spare", 60),
            HeadDim = choose.Size("dim", 256),
            Starts = choose.Flag("starts", 0.7),
            Type = Type(choose, "type"),
        };
        p = p with { CacheType = choose.Pick("cacheType", 0.5, KvTypesOrSame, t => t?.ToString() ?? "same") ?? p.Type };
        int shift = choose.Number("blockShift", 6);
        if (choose.Flag("ring", 0.3)) p = p with { Kv = KvLayout.Ring };
        else if (choose.Flag("paged", 0.4)) p = p with { Kv = KvLayout.Paged(1 << shift, p.Batch * (((p.Capacity - 1) >> shift) + 1)) };
        CaseOptions options = new() { Placement = Rows(choose) };
        return (new CacheAppendCase(p, options, "", size), 10.0 * p.Batch * p.Heads * p.Capacity * p.HeadDim);
    }

    private static (VerificationCase, double) Merge(FuzzChoices choose, CaseSize size)
    {
        MergeProblem p = new()
        {
            Parts = choose.Size("parts", size == CaseSize.Tiny ? 17 : 130),
            Batch = choose.Few("batch", 3),
            Heads = choose.Few("heads", 8),
            Seq = choose.Size("seq", size == CaseSize.Tiny ? 40 : 300),
            HeadDim = choose.Size("headDim", 256),
            PartType = Type(choose, "partType"),
            Lse = choose.Flag("lse", 0.5),
        };
        // Kernels convert to fp32 and from it, not between the half types.
        p = choose.Flag("wideParts", 0.3) ? p with { Type = p.PartType, PartType = Float32 }
            : p with { Type = choose.Flag("wide", 0.3) ? Float32 : p.PartType };
        CaseOptions options = new() { Placement = Rows(choose), Logits = choose.Pick("logits", 0.5, Logits, l => $"x{l}") };
        return (new MergeCase(p, options, "", size), 10.0 * p.Parts * p.Batch * p.Heads * p.Seq * p.HeadDim);
    }

    /// <summary>Masks, biases and the data of a score. A NaN is visible only where no weight can round to 0 and hide it.</summary>
    private static (ScoreProblem Problem, CaseOptions Options) Score(FuzzChoices choose, ScoreProblem p, bool isUnscaled)
    {
        CaseOptions options = new() { Logits = choose.Pick("logits", 0.5, Logits, l => $"x{l}") };
        p = p with
        {
            Softcap = choose.Pick("softcap", 0.7, Softcaps, Label),
            KeyLengths = choose.Flag("keyLengths", 0.3),
            Mask = choose.Flag("mask", 0.3),
            Bias = choose.Flag("bias", 0.3),
            Alibi = choose.Flag("alibi", 0.2),
            Sinks = choose.Flag("sinks", 0.2),
            HeadScales = choose.Flag("headScales", 0.15),
            Documents = choose.Flag("documents", 0.15),
            Lse = choose.Flag("lse", 0.4),
        };
        if (p.KeyLengths) options = options with { EmptyBatch = choose.Flag("emptyBatch", 0.3) };
        if (p.Mask) options = options with { MaskAxes = Axes(choose, "maskAxes") };
        if (p.Bias)
        {
            p = p with { BiasType = Type(choose, "biasType") };
            options = options with { BiasAxes = Axes(choose, "biasAxes"), InfiniteBias = choose.Flag("infiniteBias", 0.3) };
        }
        if (p.Documents)
        {
            options = options with
            {
                SharedDocuments = choose.Flag("sharedDocuments", 0.3),
                MixedDocuments = choose.Flag("mixedDocuments", 0.5),
            };
        }
        if (choose.Flag("blocks", 0.15))
        {
            p = p with { Blocks = new BlockSparsity(choose.Size("queryBlock", 300), choose.Size("keyBlock", 300)) };
            options = options with { BlockAxes = Axes(choose, "blockAxes") & (Axes4.Batch | Axes4.Heads) };
        }
        if (p.Alibi) options = options with { AlibiPerBatch = choose.Flag("alibiPerBatch", 0.4) };

        p = p with
        {
            WindowLeft = choose.Window("windowLeft", p.ScoreRows + p.ScoreColumns),
            WindowRight = choose.Window("windowRight", p.ScoreRows + p.ScoreColumns),
        };
        if (Align(choose, "causal", 0.5, Enum.GetValues<Diagonal>(), p) is { } causal)
            p = p with { Causal = causal.FollowsEnd ? CausalMask.BottomRight : CausalMask.At(causal.Offset) };
        else if (p.Alibi || p.WindowLeft is not null || p.WindowRight is not null)
            p = p with { Alignment = Align(choose, "align", 0.3, [Diagonal.TopLeft, Diagonal.BottomRight, Diagonal.At], p) };

        if (isUnscaled && options.Logits == 1 && !p.Alibi && !options.InfiniteBias)
            options = options with { VisibleNaN = choose.Flag("visibleNaN", 0.1) };
        return (p, options);
    }

    private static BandAlignment? Align(FuzzChoices choose, string name, double first, Diagonal[] among, ScoreProblem p) =>
        choose.Pick(name, first, among, diagonal => diagonal.ToString()) switch
        {
            Diagonal.TopLeft => BandAlignment.TopLeft,
            Diagonal.BottomRight => BandAlignment.BottomRight,
            Diagonal.At => BandAlignment.At(choose.Offset($"{name}Offset", -p.ScoreRows, p.ScoreColumns)),
            _ => null,
        };

    private static DType Type(FuzzChoices choose, string name) => choose.Pick(name, 0, Types, type => type.ToString());

    private static DType TypeOr(FuzzChoices choose, string name, DType type) =>
        choose.Pick(name, 0.6, TypesOrSame, other => other?.ToString() ?? "same") ?? type;

    private static Placement Rows(FuzzChoices choose) => choose.Pick("placement", 0.4, Placement.Rows, l => l.Name);

    private static Axes4 Axes(FuzzChoices choose, string name) => choose.Pick(name, 0, AllAxes, CaseNames.Axes);

    private static string Label(float value) => value.ToString(CultureInfo.InvariantCulture);
}
