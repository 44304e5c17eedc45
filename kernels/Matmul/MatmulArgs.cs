using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// One operand of a batched matmul in device memory, seen as (batch0, batch1, outer, k): outer is M for A and N for B. Strides and the
/// offset are in elements; a transposed operand is one whose strides are swapped.
/// </summary>
public struct OperandView<T>
    where T : unmanaged
{
    public ArrayView<T> Data;
    public long Offset, Batch0Stride, Batch1Stride, OuterStride, KStride;

    /// <summary>1 where four neighbours along the contiguous axis can be read at once, from every multiple of four.</summary>
    public int IsVector;

    public readonly long Batch(int b0, int b1) => Offset + b0 * Batch0Stride + b1 * Batch1Stride;
}

/// <summary>
/// C = f(alpha A B + beta C + bias) for each (b0, b1), where B's second batch index is b1 / GroupB. A (M, K), B (K, N), C (M, N), bias (N).
/// C is not read where beta is 0.
/// </summary>
public struct MatmulArgs<TA, TB, TC>
    where TA : unmanaged
    where TB : unmanaged
    where TC : unmanaged
{
    public OperandView<TA> A;
    public OperandView<TB> B;

    /// <summary>Outer = the rows M, K = the columns N.</summary>
    public OperandView<TC> C;

    public FloatView Bias;
    public long BiasOffset;

    public int Batch0, Batch1, GroupB, M, N, K;

    /// <summary>Elements of K that a group adds up, K or a multiple of a step: what lies past them is other groups' part of C.</summary>
    public int SplitK;

    /// <summary>From one part of C to the next, in elements.</summary>
    public long SplitStride;

    /// <summary>f: an <see cref="AttnKernels.Activation"/>.</summary>
    public int Activation;
    public float Alpha, Beta;
}
