namespace AttnKernels.Kernels;

/// <summary>Work that is generic over the storage types of a matmul.</summary>
internal interface IMatmulWork<out TResult>
{
    TResult Run<TA, TElementA, TB, TElementB, TC, TElementC>()
        where TA : unmanaged
        where TElementA : struct, IElement<TA>
        where TB : unmanaged
        where TElementB : struct, IElement<TB>
        where TC : unmanaged
        where TElementC : struct, IElement<TC>;
}

/// <summary>Work that is generic over the storage types of a softmax.</summary>
internal interface ISoftmaxWork<out TResult>
{
    TResult Run<TX, TElementX, TY, TElementY>()
        where TX : unmanaged
        where TElementX : struct, IElement<TX>
        where TY : unmanaged
        where TElementY : struct, IElement<TY>;
}

/// <summary>
/// The storage types that matmul kernels are built for: all three the same, and with one fp32 side where unfused attention keeps its
/// scores and weights in fp32.
/// </summary>
internal static class MatmulTypes
{
    public static TResult Dispatch<TResult>(DType a, DType b, DType c, IMatmulWork<TResult> work) => (a, b, c) switch
    {
        (DType.Float32, DType.Float32, DType.Float32) => work.Run<float, Float32Element, float, Float32Element, float, Float32Element>(),
        (DType.Float16, DType.Float16, DType.Float16) => work.Run<ushort, Float16Element, ushort, Float16Element, ushort, Float16Element>(),
        (DType.BFloat16, DType.BFloat16, DType.BFloat16) =>
            work.Run<ushort, BFloat16Element, ushort, BFloat16Element, ushort, BFloat16Element>(),
        (DType.Float16, DType.Float16, DType.Float32) => work.Run<ushort, Float16Element, ushort, Float16Element, float, Float32Element>(),
        (DType.BFloat16, DType.BFloat16, DType.Float32) =>
            work.Run<ushort, BFloat16Element, ushort, BFloat16Element, float, Float32Element>(),
        (DType.Float32, DType.Float16, DType.Float16) => work.Run<float, Float32Element, ushort, Float16Element, ushort, Float16Element>(),
        (DType.Float32, DType.BFloat16, DType.BFloat16) =>
            work.Run<float, Float32Element, ushort, BFloat16Element, ushort, BFloat16Element>(),
        _ => throw new NotSupportedException(
            $"Matmul {a} x {b} -> {c} is not built for this device. Built: T x T -> T, T x T -> Float32 and Float32 x T -> T for " +
            $"T = {string.Join(", ", Elements.Types)}."),
    };

    /// <summary>Every combination that <see cref="Dispatch"/> serves.</summary>
    public static IEnumerable<(DType A, DType B, DType C)> All
    {
        get
        {
            foreach (DType type in Elements.Types)
            {
                yield return (type, type, type);
                if (type == DType.Float32) continue;
                yield return (type, type, DType.Float32);
                yield return (DType.Float32, type, type);
            }
        }
    }
}

/// <summary>The storage types that softmax kernels are built for: equal ones, and fp32 on one side.</summary>
internal static class SoftmaxTypes
{
    public static TResult Dispatch<TResult>(DType x, DType y, ISoftmaxWork<TResult> work) => (x, y) switch
    {
        (DType.Float32, DType.Float32) => work.Run<float, Float32Element, float, Float32Element>(),
        (DType.Float16, DType.Float16) => work.Run<ushort, Float16Element, ushort, Float16Element>(),
        (DType.BFloat16, DType.BFloat16) => work.Run<ushort, BFloat16Element, ushort, BFloat16Element>(),
        (DType.Float16, DType.Float32) => work.Run<ushort, Float16Element, float, Float32Element>(),
        (DType.BFloat16, DType.Float32) => work.Run<ushort, BFloat16Element, float, Float32Element>(),
        (DType.Float32, DType.Float16) => work.Run<float, Float32Element, ushort, Float16Element>(),
        (DType.Float32, DType.BFloat16) => work.Run<float, Float32Element, ushort, BFloat16Element>(),
        _ => throw new NotSupportedException(
            $"Softmax {x} -> {y} is not built for this device. Built: T -> T, T -> Float32 and Float32 -> T for " +
            $"T = {string.Join(", ", Elements.Types)}."),
    };

    /// <summary>Every combination that <see cref="Dispatch"/> serves.</summary>
    public static IEnumerable<(DType X, DType Y)> All
    {
        get
        {
            foreach (DType type in Elements.Types)
            {
                yield return (type, type);
                if (type == DType.Float32) continue;
                yield return (type, DType.Float32);
                yield return (DType.Float32, type);
            }
        }
    }
}
