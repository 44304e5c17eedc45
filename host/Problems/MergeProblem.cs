namespace AttnKernels;

/// <summary>
/// Merges attention results over disjoint sets of keys (shards on several devices, a shared prefix and a suffix) into the result over all
/// of them: LSE = log sum_p exp(LSE_p), O = sum_p exp(LSE_p - LSE) O_p, per row. A part whose LSE is -inf saw no key and contributes
/// nothing, whatever its O holds; where all are -inf, O = 0 and LSE = -inf. Immutable; equal problems compare equal.
/// </summary>
/// <remarks>
/// Part p of batch entry b is entry p * batch + b of the parts, so that part p is the slice [p * batch, (p + 1) * batch) of one tensor and
/// can be the output of an attention plan. What a part's softmax adds besides its keys, such as a sink, must be in one part only.
/// </remarks>
public sealed record MergeProblem : IProblem
{
    private readonly DType? partType;

    /// <summary>How many results are merged.</summary>
    public required int Parts { get; init; }

    /// <summary>Batch entries of each. Default 1.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Query heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Queries per head.</summary>
    public required int Seq { get; init; }

    /// <summary>Elements of a row of O.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Type of O; sums are in fp32. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Type of the parts. Default: Type.</summary>
    public DType PartType
    {
        get => partType ?? Type;
        init => partType = value;
    }

    /// <summary>Run also returns the merged LSE.</summary>
    public bool Lse { get; init; }

    /// <summary>A multiplication and an addition per element of the parts.</summary>
    public double Flops => 2.0 * Parts * Batch * Heads * Seq * HeadDim;

    /// <summary>Least memory traffic in bytes: the parts read once, O and LSE written once.</summary>
    public double Bytes
    {
        get
        {
            double rows = (double)Batch * Heads * Seq;
            return (rows * Parts * (((double)HeadDim * PartType.Size()) + 4)) + (rows * HeadDim * Type.Size()) + (Lse ? 4 * rows : 0);
        }
    }

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Parts);
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(Heads);
        ProblemCheck.Positive(Seq);
        ProblemCheck.Positive(HeadDim);
        ProblemCheck.Float(Type);
        ProblemCheck.Float(PartType);
        ProblemCheck.InRange(Parts, 1, int.MaxValue / Batch, nameof(Parts));
        ProblemCheck.Addressable("PartsO", PartType, Parts * Batch, Heads, Seq, HeadDim);
        ProblemCheck.Addressable("O", Type, Batch, Heads, Seq, HeadDim);
    }

    /// <summary>One line: "merge 4 parts B1 H32 S1 D128 Float16".</summary>
    public override string ToString() =>
        $"merge {Parts} parts B{Batch} H{Heads} S{Seq} D{HeadDim} {(PartType == Type ? "" : $"{PartType}->")}{Type}{(Lse ? ", LSE" : "")}";
}
