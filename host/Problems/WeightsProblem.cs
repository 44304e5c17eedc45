namespace AttnKernels;

/// <summary>
/// The attention weights of chosen rows after a fused run that returned its LSE: P = exp(score(q K^T) - LSE), without a seqQ x seqKv
/// buffer. A hidden key has weight 0, a row that sees no key is 0. Keys are counted as the run's masks count them: from the first of the
/// row's sequence where sequences are packed, from the oldest that is there in a ring. Immutable; equal problems compare equal.
/// </summary>
public sealed record WeightsProblem : IProblem
{
    /// <summary>What was run; its <see cref="ScoreProblem.Lse"/> must be true.</summary>
    public required AttentionProblem Attention { get; init; }

    /// <summary>How many rows are wanted, at least 1.</summary>
    public required int Rows { get; init; }

    /// <summary>Floating-point operations of the dot products, hidden keys included.</summary>
    public double Flops => 2.0 * Rows * Attention.SeqKv * Attention.HeadDim;

    /// <summary>Least memory traffic in bytes: a query, a head of K and a row of P for each row.</summary>
    public double Bytes =>
        Rows * (((1.0 + Attention.SeqKv) * Attention.HeadDim * Attention.KvType.Size()) + ((double)sizeof(float) * Attention.SeqKv));

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Attention);
        Attention.Validate();
        ProblemCheck.Positive(Rows);
        if (!Attention.Lse)
            throw new ArgumentException("Attention.Lse must be true: the weights are exp(score - LSE).", nameof(Attention));
        if (Attention.Weights)
            throw new ArgumentException("Attention.Weights is true: that run returns all weights itself.", nameof(Attention));
        ProblemCheck.Addressable("P", DType.Float32, Rows, Attention.SeqKv);
    }

    /// <summary>One line: "weights of 3 rows of attention B1 H32 ...".</summary>
    public override string ToString() => $"weights of {Rows} rows of {Attention}";
}
