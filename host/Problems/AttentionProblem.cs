namespace AttnKernels;

/// <summary>
/// O = softmax(score(Q K^T)) V per batch entry and head (Vaswani et al. 2017, eq. 1), with the score of <see cref="ScoreProblem"/>.
/// Q (batch, headsQ, seqQ, headDim), K (batch, headsKv, seqKv, headDim), V (batch, headsKv, seqKv, headDimV),
/// O (batch, headsQ, seqQ, headDimV). Query head h reads key head h / (headsQ / headsKv). A row that sees no key gives O = 0 and
/// LSE = -inf. Immutable; equal problems compare equal.
/// </summary>
public sealed partial record AttentionProblem : ScoreProblem, IProblem
{
    private readonly int? headsKv;
    private readonly int? headDimV;

    /// <summary>Batch entries, at least 1. Default 1.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Query heads, a multiple of <see cref="HeadsKv"/>.</summary>
    public required int HeadsQ { get; init; }

    /// <summary>Queries per head.</summary>
    public required int SeqQ { get; init; }

    /// <summary>Keys per head; <see cref="ScoreProblem.KeyLengths"/> may make fewer visible.</summary>
    public required int SeqKv { get; init; }

    /// <summary>Elements of a query and of a key.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Key and value heads (1 = MQA, fewer than HeadsQ = GQA). Default: HeadsQ.</summary>
    public int HeadsKv
    {
        get => headsKv ?? HeadsQ;
        init => headsKv = value;
    }

    /// <summary>Elements of a value and of an output row. Default: HeadDim.</summary>
    public int HeadDimV
    {
        get => headDimV ?? HeadDim;
        init => headDimV = value;
    }

    /// <summary>Type of Q and O, and of K and V unless <see cref="KvType"/> says otherwise, in memory; sums and the softmax are in fp32.
    /// Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>How products of fp32 may be computed; for Type = Float32, not Tf32. Default Ieee: as fp32, never as TF32.</summary>
    public InputPrecision InputPrecision { get; init; }

    /// <summary>Factor of the dot products; null = 1/sqrt(headDim), or 1 under cosine similarity.</summary>
    public float? Scale { get; init; }

    /// <summary>
    /// Run also returns the attention weights P, Float32 (batch, headsQ, seqQ, seqKv). This takes the unfused path: two matmuls
    /// and a softmax, with the weights' tensor as their workspace.
    /// </summary>
    public bool Weights { get; init; }

    /// <summary>
    /// The tile to take on tensor cores, "128x64"; one that does not fit, like "", leaves the plan its estimate. Null = what was measured,
    /// else the estimate.
    /// </summary>
    internal string? Tile { get; init; }

    /// <summary>The factor in force.</summary>
    public float EffectiveScale => Scale ?? (Similarity == Similarity.Cosine ? 1f : 1f / MathF.Sqrt(HeadDim));

    /// <summary>
    /// Floating-point operations of the two products: 2 * batch * headsQ * pairs * (headDim + headDimV), where pairs counts
    /// the (query, key) pairs that the causal mask and the window leave visible; boolean masks and key lengths do not lower it.
    /// </summary>
    public double Flops => 2.0 * Batch * HeadsQ * VisiblePairs * ((double)HeadDim + HeadDimV);

    /// <summary>Least memory traffic in bytes: Q, K, V, O (and LSE, weights) once each; masks and biases are not counted.</summary>
    public double Bytes
    {
        get
        {
            double q = (double)QueryBatch * HeadsQ * QueryRows;
            double kv = (double)(Kv.IsPaged ? Batch : KeyBatch) * HeadsKv * (Kv.IsPaged ? SeqKv : KeyRows);
            double width = (double)HeadDim + HeadDimV;
            double scales = KvType == DType.Int8 ? 2 * sizeof(float) * kv : 0;
            return (q * width * Type.Size()) + (kv * width * KvType.Size()) + scales + (Lse ? 4 * q : 0) + (Weights ? 4 * q * SeqKv : 0);
        }
    }

    internal override int ScoreBatch => Batch;

    internal override int ScoreHeads => HeadsQ;

    internal override int ScoreRows => SeqQ;

    internal override int ScoreColumns => SeqKv;

    internal override (string Rows, string Columns) ScoreNames => (nameof(SeqQ), nameof(SeqKv));

    internal override IEnumerable<string> OptionalTensors => [.. base.OptionalTensors, .. OwnTensors];

    internal override float ScoreScale => EffectiveScale;

    /// <summary>What Explain adds where fp32 arithmetic takes the place of another precision that was asked for.</summary>
    internal string InsteadOfPrecision => ProblemCheck.InsteadOf(InputPrecision);

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(HeadsQ);
        ProblemCheck.Positive(HeadsKv);
        ProblemCheck.Positive(HeadDim);
        ProblemCheck.Positive(HeadDimV);
        ProblemCheck.Float(Type);
        if (InputPrecision == InputPrecision.Tf32)
            throw new ArgumentException(
                "InputPrecision Tf32 is for matmul; attention multiplies fp32 as Ieee or Tf32x3.", nameof(InputPrecision));
        if (!Enum.IsDefined(InputPrecision))
            throw new ArgumentOutOfRangeException(nameof(InputPrecision), InputPrecision, $"InputPrecision is {InputPrecision}.");
        if (InputPrecision != InputPrecision.Ieee && Type != DType.Float32)
            throw new ArgumentException($"InputPrecision {InputPrecision} is for Type Float32, which is {Type}.", nameof(InputPrecision));
        if (HeadsQ % HeadsKv != 0)
            throw new ArgumentException($"HeadsQ ({HeadsQ}) must be a multiple of HeadsKv ({HeadsKv}).", nameof(HeadsKv));
        ValidateScore();
        ProblemCheck.Addressable("Q", Type, QueryBatch, HeadsQ, QueryRows, HeadDim);
        ValidateKeys();
        ProblemCheck.Addressable("O", Type, QueryBatch, HeadsQ, QueryRows, HeadDimV);
        if (Weights) ProblemCheck.Addressable("Weights", DType.Float32, Batch, HeadsQ, SeqQ, SeqKv);
    }

    /// <summary>One line: "attention B1 Hq32 Hkv8 Sq1 Skv4096 D128 Float16, causal BottomRight".</summary>
    public override string ToString()
    {
        string heads = HeadsKv == HeadsQ ? $"H{HeadsQ}" : $"Hq{HeadsQ} Hkv{HeadsKv}";
        string seq = SeqKv == SeqQ ? $"S{SeqQ}" : $"Sq{SeqQ} Skv{SeqKv}";
        string dim = HeadDimV == HeadDim ? $"D{HeadDim}" : $"D{HeadDim} Dv{HeadDimV}";
        string precision = InputPrecision == InputPrecision.Ieee ? "" : $" as {InputPrecision}";
        return $"attention B{Batch} {heads} {seq} {dim} {Type}{precision}{DescribeKeys()}, {DescribeScore()}{(Weights ? ", weights" : "")}";
    }
}
