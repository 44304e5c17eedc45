namespace AttnKernels;

/// <summary>
/// What a <see cref="MatmulPlan"/> reads and writes. Views of any strides, (batch0, batch1, rows, columns); leading axes of size 1 may be
/// left out.
/// C must not overlap another tensor.
/// </summary>
public readonly struct MatmulTensors
{
    /// <summary>(batch0, batch1, M, K), or (..., K, M) where the problem says TransposeA.</summary>
    public required TensorView A { get; init; }

    /// <summary>(batch0, batch1/groupB, K, N), or (..., N, K) where the problem says TransposeB.</summary>
    public required TensorView B { get; init; }

    /// <summary>Output (batch0, batch1, M, N).</summary>
    public required TensorView C { get; init; }

    /// <summary>Added to every row: (N).</summary>
    public TensorView Bias { get; init; }
}
