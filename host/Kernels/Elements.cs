namespace AttnKernels.Kernels;

/// <summary>
/// Work that is generic over a storage type; <see cref="Elements.Dispatch{TResult}"/> closes it over a <see cref="DType"/>.
/// </summary>
internal interface IElementWork<out TResult>
{
    TResult Run<T, TElement>()
        where T : unmanaged
        where TElement : struct, IElement<T>;
}

/// <summary>From the storage type of a problem to the type parameters of a kernel.</summary>
internal static class Elements
{
    public static readonly DType[] Types = [DType.Float32, DType.Float16, DType.BFloat16];

    public static TResult Dispatch<TResult>(DType type, IElementWork<TResult> work) => type switch
    {
        DType.Float32 => work.Run<float, Float32Element>(),
        DType.Float16 => work.Run<ushort, Float16Element>(),
        DType.BFloat16 => work.Run<ushort, BFloat16Element>(),
        _ => throw new NotSupportedException($"Kernels store {string.Join(", ", Types)}; not {type}."),
    };

    /// <summary>Short name of a storage type in kernel names.</summary>
    public static string Label<TElement>() => Label(typeof(TElement));

    private static string Label(Type element) =>
        element == typeof(Float32Element) ? "fp32"
        : element == typeof(Tf32Format) ? "tf32"
        : element == typeof(Tf32x3Format) ? "tf32x3"
        : element.IsGenericType ? Label(element.GetGenericArguments()[0])
        : element == typeof(Float16Element) || element == typeof(Float16Tensor) ? "fp16" : "bf16";
}
