using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// What an <see cref="AttentionPlan"/> reads and writes. Views of any strides whose last axis is contiguous; leading axes of size 1 may be
/// left out. Outputs must not overlap any other tensor.
/// </summary>
public readonly struct AttentionTensors
{
    /// <summary>Queries (batch, headsQ, seqQ, headDim), or (1, headsQ, totalQ, headDim) where they are packed.</summary>
    public required TensorView Q { get; init; }

    /// <summary>
    /// Keys (batch, headsKv, seqKv, headDim), or (blocks, headsKv, blockSize, headDim) where they are paged, or (1, headsKv, totalKv,
    /// headDim) where they are packed.
    /// </summary>
    public required TensorView K { get; init; }

    /// <summary>Values, the shape of K with headDimV.</summary>
    public required TensorView V { get; init; }

    /// <summary>Output (batch, headsQ, seqQ, headDimV), or (1, headsQ, totalQ, headDimV): rows of no sequence are not written.</summary>
    public required TensorView O { get; init; }

    /// <summary>Output: natural log-sum-exp of each row's scores, Float32 (batch, headsQ, seqQ) or (1, headsQ, totalQ), dense.</summary>
    public TensorView Lse { get; init; }

    /// <summary>Output: attention weights P, Float32 (batch, headsQ, seqQ, seqKv).</summary>
    public TensorView Weights { get; init; }

    /// <summary>Bool, true = attend: (batch, headsQ, seqQ, seqKv), each axis full or 1.</summary>
    public TensorView Mask { get; init; }

    /// <summary>Added to the scores: (batch, headsQ, seqQ, seqKv), each axis full or 1.</summary>
    public TensorView Bias { get; init; }

    /// <summary>Visible keys of each batch entry, Int32 (batch), each 0..seqKv; of a ring, all keys ever written.</summary>
    public TensorView KeyLengths { get; init; }

    /// <summary>ALiBi slopes, Float32 (headsQ) or (batch, headsQ).</summary>
    public TensorView AlibiSlopes { get; init; }

    /// <summary>Scores without a key that take part in every row's sum, Float32 (headsQ).</summary>
    public TensorView Sinks { get; init; }

    /// <summary>Factors of the scale, Float32 (headsQ).</summary>
    public TensorView HeadScales { get; init; }

    /// <summary>Document of each query, Int32 (batch or 1, queries).</summary>
    public TensorView DocumentsQ { get; init; }

    /// <summary>Document of each key, Int32 (batch or 1, keys).</summary>
    public TensorView DocumentsKv { get; init; }

    /// <summary>Bool, false hides and skips a block: (batch, headsQ, query blocks, key blocks), each axis full or 1.</summary>
    public TensorView BlockMask { get; init; }

    /// <summary>Numbers that a score modifier looks up by index, Float32 of any shape, dense; optional in plans with a modifier.</summary>
    public TensorView RuleFloats { get; init; }

    /// <summary>Integers that a score modifier looks up by index, Int32 of any shape, dense; optional in plans with a modifier.</summary>
    public TensorView RuleInts { get; init; }

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

    /// <summary>
    /// Blocks of each batch entry in the order of its keys, Int32 (batch, ceil(seqKv / blockSize)), each 0..blocks-1; entries past the key
    /// length are not read. On the CPU device others are refused; elsewhere their keys are NaN.
    /// </summary>
    public TensorView BlockTable { get; init; }

    /// <summary>Scales of the rows of K, Float32, the shape of K without its last axis.</summary>
    public TensorView KScales { get; init; }

    /// <summary>Scales of the rows of V, Float32, the shape of V without its last axis.</summary>
    public TensorView VScales { get; init; }

    /// <summary>
    /// The first row of each packed sequence's queries and the end of the last one, Int32 (batch + 1), not decreasing, 0..totalQ. On the
    /// CPU device others are refused; elsewhere they are clamped.
    /// </summary>
    public TensorView StartsQ { get; init; }

    /// <summary>As <see cref="StartsQ"/>, of the keys.</summary>
    public TensorView StartsKv { get; init; }

    /// <summary>Cosines of the angles by position, Float32 (maxPosition, rotaryDim / 2).</summary>
    public TensorView Cos { get; init; }

    /// <summary>Sines of the angles by position, Float32 (maxPosition, rotaryDim / 2).</summary>
    public TensorView Sin { get; init; }

    /// <summary>
    /// Position of each query, Int32 (batch or 1, seqQ), or (1, totalQ) where they are packed; each 0..maxPosition-1. On the CPU device
    /// others are refused; elsewhere the row becomes NaN.
    /// </summary>
    public TensorView PositionsQ { get; init; }

    /// <summary>Position of each key, Int32 (batch or 1, seqKv), or (1, totalKv) where they are packed; as
    /// <see cref="PositionsQ"/>.</summary>
    public TensorView PositionsKv { get; init; }
}
