namespace AttnKernels;

/// <summary>
/// The attention weights of chosen rows after a fused run that returned its LSE: P = exp(score(q K^T) - LSE), without a seqQ x seqKv
/// buffer. A hidden key has weight 0, a row that sees no key is 0. Immutable; equal problems compare equal.
/// </summary>
public sealed record WeightsProblem
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
    /// <exception cref="NotSupportedException">Sequences are packed, keys lie in a ring, or Q and K change before they are
    /// compared.</exception>
    public void Validate()
    {
        ArgumentNullException.ThrowIfNull(Attention);
        Attention.Validate();
        ProblemCheck.Positive(Rows);
        if (!Attention.Lse)
            throw new ArgumentException("Attention.Lse must be true: the weights are exp(score - LSE).", nameof(Attention));
        if (Attention.Weights)
            throw new ArgumentException("Attention.Weights is true: that run returns all weights itself.", nameof(Attention));
        if (Attention.Packed is not null || Attention.Kv.IsRing || Attention.Rotary is not null
            || Attention.Similarity != Similarity.DotProduct)
        {
            throw new NotSupportedException(
                "Weights of chosen rows are built for contiguous and paged keys of every type, not for packed sequences and rings, and for dot " +
                "products of Q and K as they are (no Similarity, no Rotary).");
        }
        ProblemCheck.Addressable("P", DType.Float32, Rows, Attention.SeqKv);
    }

    /// <summary>One line: "weights of 3 rows of attention B1 H32 ...".</summary>
    public override string ToString() => $"weights of {Rows} rows of {Attention}";
}
