namespace AttnKernels.Kernels;

/// <summary>
/// Every instantiation that a plan can choose, and the naive baseline: what codegen tests compile and the static performance table lists.
/// </summary>
internal static class KernelCatalog
{
    public static IReadOnlyList<KernelEntry> All { get; } =
        [.. Matmuls(), .. Softmaxes(), .. Attentions(), .. Merges(), .. Caches(), .. Weights()];

    private static IEnumerable<KernelEntry> Matmuls()
    {
        foreach ((DType a, DType b, DType c) in MatmulTypes.All)
        {
            foreach (KernelEntry entry in MatmulTypes.Dispatch(a, b, c, default(MatmulEntries))) yield return entry;
        }
        foreach (DType type in Elements.Types) yield return Elements.Dispatch(type, default(SplitSumEntry));
        foreach (KernelEntry entry in TensorMatmulTable<ushort, PairFormat<Float16Tensor>, ushort, Float16Element>.Entries)
            yield return entry;
        foreach (KernelEntry entry in TensorMatmulTable<ushort, PairFormat<Float16Tensor>, float, Float32Element>.Entries)
            yield return entry;
        foreach (KernelEntry entry in TensorMatmulTable<ushort, PairFormat<BFloat16Tensor>, ushort, BFloat16Element>.Entries)
            yield return entry;
        foreach (KernelEntry entry in TensorMatmulTable<ushort, PairFormat<BFloat16Tensor>, float, Float32Element>.Entries)
            yield return entry;
        foreach (KernelEntry entry in TensorMatmulTable<float, Tf32x3Format, float, Float32Element>.Entries) yield return entry;
        foreach (KernelEntry entry in TensorMatmulTable<float, Tf32Format, float, Float32Element>.Entries) yield return entry;
    }

    private static IEnumerable<KernelEntry> Softmaxes()
    {
        foreach ((DType x, DType y) in SoftmaxTypes.All)
        {
            foreach (KernelEntry entry in SoftmaxTypes.Dispatch(x, y, default(SoftmaxEntries))) yield return entry;
        }
    }

    private static IEnumerable<KernelEntry> Attentions()
    {
        foreach (DType type in Elements.Types)
        {
            foreach (KernelEntry entry in Elements.Dispatch(type, default(FlashEntries))) yield return entry;
        }
        foreach (KernelEntry entry in OnTensorCores<ushort, Float16Element, PairFormat<Float16Tensor>>()) yield return entry;
        foreach (KernelEntry entry in OnTensorCores<ushort, BFloat16Element, PairFormat<BFloat16Tensor>>()) yield return entry;
        foreach (KernelEntry entry in OnTensorCores<float, Float32Element, Tf32x3Format>()) yield return entry;
    }

    private static IEnumerable<KernelEntry> OnTensorCores<T, TElement, TFormat>()
        where T : unmanaged
        where TElement : struct, IElement<T>
        where TFormat : struct, ITensorFormat =>
    [
        .. TensorFlashTable<T, TFormat, PlainScore, PlainKeys<T, TElement>>.Entries,
        .. TensorFlashTable<T, TFormat, GeneralScore, PlainKeys<T, TElement>>.Entries,
        .. TensorFlashTable<T, TFormat, PlainScore, PackedKeys<T, TElement>>.Entries,
        .. TensorFlashTable<T, TFormat, PlainScore, GeneralKeys>.Entries,
        .. TensorFlashTable<T, TFormat, GeneralScore, GeneralKeys>.Entries,
    ];

    private static IEnumerable<KernelEntry> Merges()
    {
        foreach ((DType parts, DType o) in SoftmaxTypes.All) yield return SoftmaxTypes.Dispatch(parts, o, default(MergeEntry));
    }

    private static IEnumerable<KernelEntry> Caches()
    {
        foreach (DType type in Elements.Types)
        {
            yield return Elements.Dispatch(type, default(RotaryEntry));
            yield return Elements.Dispatch(type, default(ConvertEntry));
        }
        yield return KernelCacheAppend<float>.Entry;
        yield return KernelCacheAppend<ushort>.Entry;
    }

    private static IEnumerable<KernelEntry> Weights()
    {
        foreach (DType type in Elements.Types) yield return Elements.Dispatch(type, default(WeightsEntry));
    }

    private readonly struct WeightsEntry : IElementWork<KernelEntry>
    {
        public KernelEntry Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => KernelWeights<T, TElement, GeneralScore, GeneralBinding>.Entry;
    }

    private readonly struct SplitSumEntry : IElementWork<KernelEntry>
    {
        public KernelEntry Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => KernelSplitMatmul<T, TElement, T, TElement, T, TElement>.SumEntry;
    }

    private readonly struct RotaryEntry : IElementWork<KernelEntry>
    {
        public KernelEntry Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => KernelRotary<T, TElement>.Entry;
    }

    private readonly struct ConvertEntry : IElementWork<KernelEntry>
    {
        public KernelEntry Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => KernelCacheConvert<T, TElement>.Entry;
    }

    private readonly struct MergeEntry : ISoftmaxWork<KernelEntry>
    {
        public KernelEntry Run<TX, TElementX, TY, TElementY>()
            where TX : unmanaged
            where TElementX : struct, IElement<TX>
            where TY : unmanaged
            where TElementY : struct, IElement<TY> => KernelMerge<TX, TElementX, TY, TElementY>.Entry;
    }

    private readonly struct MatmulEntries : IMatmulWork<KernelEntry[]>
    {
        public KernelEntry[] Run<TA, TElementA, TB, TElementB, TC, TElementC>()
            where TA : unmanaged
            where TElementA : struct, IElement<TA>
            where TB : unmanaged
            where TElementB : struct, IElement<TB>
            where TC : unmanaged
            where TElementC : struct, IElement<TC> => MatmulTable<TA, TElementA, TB, TElementB, TC, TElementC>.Entries;
    }

    private readonly struct SoftmaxEntries : ISoftmaxWork<KernelEntry[]>
    {
        public KernelEntry[] Run<TX, TElementX, TY, TElementY>()
            where TX : unmanaged
            where TElementX : struct, IElement<TX>
            where TY : unmanaged
            where TElementY : struct, IElement<TY> =>
            [
                .. SoftmaxTable<TX, TElementX, TY, TElementY, PlainScore>.Entries,
                .. SoftmaxTable<TX, TElementX, TY, TElementY, GeneralScore>.Entries,
            ];
    }

    private readonly struct FlashEntries : IElementWork<KernelEntry[]>
    {
        public KernelEntry[] Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> =>
            [
                .. FlashTable<T, TElement, PlainScore, PlainKeys<T, TElement>>.Entries,
                .. FlashTable<T, TElement, GeneralScore, PlainKeys<T, TElement>>.Entries,
                .. FlashTable<T, TElement, GeneralScore, GeneralKeys>.Entries,
                .. FlashTable<T, TElement, PlainScore, PackedKeys<T, TElement>>.Entries,
                .. DecodeTable<T, TElement, PlainScore, PlainKeys<T, TElement>>.Entries,
                .. DecodeTable<T, TElement, GeneralScore, PlainKeys<T, TElement>>.Entries,
                .. DecodeTable<T, TElement, GeneralScore, GeneralKeys>.Entries,
            ];
    }
}
