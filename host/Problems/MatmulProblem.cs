namespace AttnKernels;

/// <summary>
/// C[b0,b1] = f(alpha * A[b0,b1] B[b0,b1/groupB] + beta * C[b0,b1] + bias), with A (M, K), B (K, N), C (M, N) and bias (N) added to
/// every row and f an activation, none by default. Tensors are (batch0, batch1, rows, columns) with any strides; leading axes of size 1 may
/// be left out. Sums are in fp32. Immutable; equal problems compare equal.
/// </summary>
public sealed record MatmulProblem : IProblem
{
    private readonly DType? typeA;
    private readonly DType? typeB;
    private readonly DType? typeC;

    /// <summary>Rows of A and C.</summary>
    public required int M { get; init; }

    /// <summary>Columns of B and C.</summary>
    public required int N { get; init; }

    /// <summary>Columns of A, rows of B.</summary>
    public required int K { get; init; }

    /// <summary>Outer batch (batch). Default 1.</summary>
    public int Batch0 { get; init; } = 1;

    /// <summary>Inner batch (heads). Default 1.</summary>
    public int Batch1 { get; init; } = 1;

    /// <summary>How many consecutive inner batch entries share one B (grouped-query attention); divides Batch1. Default 1.</summary>
    public int GroupB { get; init; } = 1;

    /// <summary>Default of TypeA, TypeB and TypeC. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Type of A. Default: Type.</summary>
    public DType TypeA
    {
        get => typeA ?? Type;
        init => typeA = value;
    }

    /// <summary>Type of B. Default: Type.</summary>
    public DType TypeB
    {
        get => typeB ?? Type;
        init => typeB = value;
    }

    /// <summary>Type of C. Default: Type.</summary>
    public DType TypeC
    {
        get => typeC ?? Type;
        init => typeC = value;
    }

    /// <summary>How products of fp32 may be computed; for TypeA = TypeB = Float32. Default Ieee: as fp32, never as TF32.</summary>
    public InputPrecision InputPrecision { get; init; }

    /// <summary>The view given as A is (K, M).</summary>
    public bool TransposeA { get; init; }

    /// <summary>The view given as B is (N, K).</summary>
    public bool TransposeB { get; init; }

    /// <summary>Factor of the product. Default 1.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>Factor of the old C. Default 0: C is not read, so NaN in it does not matter.</summary>
    public float Beta { get; init; }

    /// <summary>Run receives a bias (N).</summary>
    public bool Bias { get; init; }

    /// <summary>Type of the bias. Default Float32.</summary>
    public DType BiasType { get; init; } = DType.Float32;

    /// <summary>f, applied to the finished element before it is rounded to C's type. Default None.</summary>
    public Activation Activation { get; init; }

    /// <summary>An element of A that is exactly 0 contributes nothing, even where B holds NaN: the weights of masked keys.</summary>
    internal bool SkipZeroA { get; init; }

    /// <summary>Runs the readable baseline instead of the tiled kernel, on devices that run kernels.</summary>
    internal bool Naive { get; init; }

    /// <summary>The tile to take on tensor cores, "128x256"; null = the plan chooses.</summary>
    internal string? Tile { get; init; }

    /// <summary>In how many parts K is summed at most, on devices that run kernels; 0 = the plan chooses.</summary>
    internal int Parts { get; init; }

    /// <summary>2 * M * N * K * batch0 * batch1.</summary>
    public double Flops => 2.0 * M * N * K * Batch0 * Batch1;

    /// <summary>Least memory traffic in bytes: A, B and C once each, C twice where Beta is not 0.</summary>
    public double Bytes
    {
        get
        {
            double batch = (double)Batch0 * Batch1;
            double c = batch * M * N * TypeC.Size() * (Beta == 0 ? 1 : 2);
            return (batch * M * K * TypeA.Size()) + (batch / GroupB * K * N * TypeB.Size()) + c + (Bias ? (double)N * BiasType.Size() : 0);
        }
    }

    /// <summary>What Explain adds where fp32 arithmetic takes the place of another precision that was asked for.</summary>
    internal string InsteadOfPrecision => ProblemCheck.InsteadOf(InputPrecision);

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(M);
        ProblemCheck.Positive(N);
        ProblemCheck.Positive(K);
        ProblemCheck.Positive(Batch0);
        ProblemCheck.Positive(Batch1);
        ProblemCheck.Positive(GroupB);
        ProblemCheck.Float(TypeA);
        ProblemCheck.Float(TypeB);
        ProblemCheck.Float(TypeC);
        if (Bias) ProblemCheck.Float(BiasType);
        if (!Enum.IsDefined(InputPrecision))
            throw new ArgumentOutOfRangeException(nameof(InputPrecision), InputPrecision, $"InputPrecision is {InputPrecision}.");
        if (InputPrecision != InputPrecision.Ieee && (TypeA != DType.Float32 || TypeB != DType.Float32))
            throw new ArgumentException(
                $"InputPrecision {InputPrecision} is for TypeA and TypeB Float32, which are {TypeA} and {TypeB}.", nameof(InputPrecision));
        if (Batch1 % GroupB != 0)
            throw new ArgumentException($"Batch1 ({Batch1}) must be a multiple of GroupB ({GroupB}).", nameof(GroupB));
        if (!Enum.IsDefined(Activation))
            throw new ArgumentException(
                $"Activation must be one of {string.Join(", ", Enum.GetNames<Activation>())}, is {Activation}.", nameof(Activation));
        if (SkipZeroA && Activation != Activation.None)
            throw new ArgumentException($"A product whose zeros hide has no activation, is {Activation}.", nameof(Activation));
        if (float.IsNaN(Alpha)) throw new ArgumentException("Alpha is NaN.", nameof(Alpha));
        if (float.IsNaN(Beta)) throw new ArgumentException("Beta is NaN.", nameof(Beta));
        ProblemCheck.Addressable("A", TypeA, Batch0, Batch1, M, K);
        ProblemCheck.Addressable("B", TypeB, Batch0, Batch1, K, N);
        ProblemCheck.Addressable("C", TypeC, Batch0, Batch1, M, N);
    }

    /// <summary>One line: "matmul 512x512x64 Float32, batch 1x8".</summary>
    public override string ToString()
    {
        string types = TypeA == TypeB && TypeB == TypeC ? $"{TypeA}" : $"{TypeA}*{TypeB}->{TypeC}";
        string batch = Batch0 * (long)Batch1 == 1 ? "" : $", batch {Batch0}x{Batch1}{(GroupB == 1 ? "" : $" group {GroupB}")}";
        string layout = TransposeA || TransposeB ? $", {(TransposeA ? "T" : "N")}{(TransposeB ? "T" : "N")}" : "";
        string precision = InputPrecision == InputPrecision.Ieee ? "" : $" as {InputPrecision}";
        string beta = Beta == 0 ? "" : $", beta {Beta}";
        string activation = Activation == Activation.None ? "" : $", {Activation}";
        return $"matmul {M}x{N}x{K} {types}{precision}{batch}{layout}{beta}{(Bias ? ", bias" : "")}{activation}";
    }
}
