using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// What a <see cref="SoftmaxPlan"/> reads and writes. X and Y: any strides whose last axis is contiguous; leading axes of size 1 may be
/// left out.
/// Y may be the same view as X, else outputs must not overlap any other tensor.
/// </summary>
public readonly struct SoftmaxTensors
{
    /// <summary>Input (batch, heads, rows, columns).</summary>
    public required TensorView X { get; init; }

    /// <summary>Output (batch, heads, rows, columns).</summary>
    public required TensorView Y { get; init; }

    /// <summary>Output: natural log-sum-exp of each row's scores, Float32 (batch, heads, rows), dense.</summary>
    public TensorView Lse { get; init; }

    /// <summary>Bool, true = keep: (batch, heads, rows, columns), each axis full or 1.</summary>
    public TensorView Mask { get; init; }

    /// <summary>Added to the scores: (batch, heads, rows, columns), each axis full or 1.</summary>
    public TensorView Bias { get; init; }

    /// <summary>Visible columns of each batch entry, Int32 (batch), each 0..columns.</summary>
    public TensorView KeyLengths { get; init; }

    /// <summary>ALiBi slopes, Float32 (heads) or (batch, heads).</summary>
    public TensorView AlibiSlopes { get; init; }

    /// <summary>Scores without a key that take part in every row's sum, Float32 (heads).</summary>
    public TensorView Sinks { get; init; }

    /// <summary>Factors of the scale, Float32 (heads).</summary>
    public TensorView HeadScales { get; init; }

    /// <summary>Document of each row, Int32 (batch or 1, rows).</summary>
    public TensorView DocumentsQ { get; init; }

    /// <summary>Document of each column, Int32 (batch or 1, columns).</summary>
    public TensorView DocumentsKv { get; init; }

    /// <summary>Bool, false hides and skips a block: (batch, heads, row blocks, column blocks), each axis full or 1.</summary>
    public TensorView BlockMask { get; init; }

    /// <summary>What a score modifier looks up; see <see cref="AttentionTensors.RuleFloats"/>.</summary>
    internal TensorView RuleFloats { get; init; }

    internal TensorView RuleInts { get; init; }

    internal ScoreTensors Score => new()
    {
        Mask = Mask,
        Bias = Bias,
        AlibiSlopes = AlibiSlopes,
        Sinks = Sinks,
        HeadScales = HeadScales,
        DocumentsQ = DocumentsQ,
        DocumentsKv = DocumentsKv,
        BlockMask = BlockMask,
        RuleFloats = RuleFloats,
        RuleInts = RuleInts,
    };
}
