namespace AttnKernels;

/// <summary>
/// Rotary position embedding (Su et al. 2021, RoFormer, eq. 34): each pair (a, b) of a row of X becomes (a cos - b sin, b cos + a sin).
/// X and Y (batch, heads, seq, headDim), may be the same view. Arithmetic in fp32. Immutable; equal problems compare equal.
/// </summary>
public sealed record RotaryProblem : IProblem
{
    private readonly int? rotaryDim;
    private readonly DType? angleType;

    /// <summary>Batch entries. Default 1.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Heads; all turn by the same angles.</summary>
    public required int Heads { get; init; }

    /// <summary>Tokens.</summary>
    public required int Seq { get; init; }

    /// <summary>Elements of a row.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Elements that turn, even; the rest of the row is copied. Default: HeadDim.</summary>
    public int RotaryDim
    {
        get => rotaryDim ?? HeadDim;
        init => rotaryDim = value;
    }

    /// <summary>True: pairs are neighbours (x0, x1), (x2, x3), ...; false: element k goes with element k + rotaryDim / 2.</summary>
    public bool Interleaved { get; init; }

    /// <summary>
    /// Rows of the angle tables where Run receives positions, Int32 (batch, seq): token (b, s) turns by row Positions[b, s]. 0: no
    /// positions, and the tables are (batch, seq, rotaryDim / 2), the batch full or 1.
    /// </summary>
    public int MaxPosition { get; init; }

    /// <summary>Type of X and Y. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Type of the angle tables. Default: Type.</summary>
    public DType AngleType
    {
        get => angleType ?? Type;
        init => angleType = value;
    }

    /// <summary>Whether Run receives positions.</summary>
    public bool HasPositions => MaxPosition > 0;

    /// <summary>Six operations a pair.</summary>
    public double Flops => 3.0 * Batch * Heads * Seq * RotaryDim;

    /// <summary>Least memory traffic in bytes: X and Y once; the tables, shared by all heads, are not counted.</summary>
    public double Bytes => 2.0 * Batch * Heads * Seq * HeadDim * Type.Size();

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(Heads);
        ProblemCheck.Positive(Seq);
        ProblemCheck.Positive(HeadDim);
        ProblemCheck.InRange(MaxPosition, 0, int.MaxValue, nameof(MaxPosition));
        ProblemCheck.InRange(RotaryDim, 2, HeadDim, nameof(RotaryDim));
        if (RotaryDim % 2 != 0) throw new ArgumentException($"RotaryDim must be even, is {RotaryDim}.", nameof(RotaryDim));
        ProblemCheck.Float(Type);
        ProblemCheck.Float(AngleType);
        ProblemCheck.Addressable("X", Type, Batch, Heads, Seq, HeadDim);
    }

    /// <summary>One line: "rotary B1 H32 S128 D128 Float16".</summary>
    public override string ToString() =>
        $"rotary B{Batch} H{Heads} S{Seq} D{HeadDim}{(RotaryDim == HeadDim ? "" : $" of which {RotaryDim}")} {Type}"
        + (Interleaved ? ", interleaved" : "");
}
