namespace AttnKernels;

/// <summary>
/// Y = softmax(score(X)) per row, or its logarithm, or the scores alone, with the score of <see cref="ScoreProblem"/>; X and Y (batch,
/// heads, rows, columns). The row index plays the query's part in the masks, the column index the key's. A row with no visible column gives
/// Y = 0 (log: -inf) and LSE = -inf. X and Y may be the same view. Immutable; equal problems compare equal.
/// </summary>
public sealed record SoftmaxProblem : ScoreProblem, IProblem
{
    private readonly DType? outputType;

    /// <summary>A problem without masks, bias or any other form of a score; its members add them.</summary>
    public SoftmaxProblem()
    {
    }

    /// <summary>The softmax over the scores of attention: every form of <paramref name="scores"/>.</summary>
    internal SoftmaxProblem(ScoreProblem scores) : base(scores)
    {
    }

    /// <summary>Batch entries. Default 1.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Heads. Default 1.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>Rows per head.</summary>
    public required int Rows { get; init; }

    /// <summary>Elements of a row: the axis that sums to 1.</summary>
    public required int Columns { get; init; }

    /// <summary>Type of X. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Type of Y. Default: Type.</summary>
    public DType OutputType
    {
        get => outputType ?? Type;
        init => outputType = value;
    }

    /// <summary>Factor of X. Default 1.</summary>
    public float Scale { get; init; } = 1;

    /// <summary>Y is the natural logarithm of the softmax.</summary>
    public bool Log { get; init; }

    /// <summary>Y is the scores themselves, -inf where a column is hidden: no softmax. Excludes <see cref="Log"/>.</summary>
    public bool Scores { get; init; }

    /// <summary>Five operations (maximum, difference, exponential, sum, quotient) per element that the causal mask and the window leave
    /// visible.</summary>
    public double Flops => 5.0 * Batch * Heads * VisiblePairs;

    /// <summary>Least memory traffic in bytes: X read once, Y (and LSE) written once; masks and biases are not counted.</summary>
    public double Bytes
    {
        get
        {
            double rows = (double)Batch * Heads * Rows;
            return (rows * Columns * (Type.Size() + OutputType.Size())) + (Lse ? 4 * rows : 0);
        }
    }

    internal override int ScoreBatch => Batch;

    internal override int ScoreHeads => Heads;

    internal override int ScoreRows => Rows;

    internal override int ScoreColumns => Columns;

    internal override (string Rows, string Columns) ScoreNames => (nameof(Rows), nameof(Columns));

    internal override float ScoreScale => Scale;

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(Heads);
        ProblemCheck.Float(Type);
        ProblemCheck.Float(OutputType);
        ValidateScore();
        if (Log && Scores)
            throw new ArgumentException("Y is the logarithm of the softmax (Log) or the scores (Scores), not both.", nameof(Scores));
        ProblemCheck.Addressable("X", Type, Batch, Heads, Rows, Columns);
        ProblemCheck.Addressable("Y", OutputType, Batch, Heads, Rows, Columns);
    }

    /// <summary>One line: "softmax B1 H8 512x512 Float32, causal TopLeft".</summary>
    public override string ToString() =>
        $"{(Log ? "log-softmax" : Scores ? "scores" : "softmax")} B{Batch} H{Heads} {Rows}x{Columns} {Type}" +
        $"{(OutputType == Type ? "" : $"->{OutputType}")}, {DescribeScore()}";
}
