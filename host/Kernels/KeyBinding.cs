namespace AttnKernels.Kernels;

/// <summary>How a problem and its tensors become the key source that a kernel takes.</summary>
internal interface IKeyBinding<out TKeys>
    where TKeys : struct, IKeySource
{
    static abstract TKeys Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors);
}

/// <summary>The name of a source of keys in names of kernels; plain keys have none.</summary>
internal static class KeyLabel
{
    public static string Of<TKeys>()
    {
        string name = typeof(TKeys).Name.Split('`')[0];
        return name == nameof(PlainKeys<,>) ? "" : $" {name}";
    }
}

/// <summary>K and V where they lie, of the queries' type.</summary>
internal readonly struct PlainKeyBinding<T, TElement> : IKeyBinding<PlainKeys<T, TElement>>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public static PlainKeys<T, TElement> Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) =>
        new() { K = device.Heads<T>(tensors.K), V = device.Heads<T>(tensors.V) };
}

/// <summary>As plain keys, from the sequences' starts on.</summary>
internal readonly struct PackedKeyBinding<T, TElement> : IKeyBinding<PackedKeys<T, TElement>>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public static PackedKeys<T, TElement> Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) => new()
    {
        Rows = PlainKeyBinding<T, TElement>.Bind(device, problem, tensors),
        Starts = SequenceBinding.Bind(device, problem, tensors),
    };
}

/// <summary>Where packed sequences start.</summary>
internal static class SequenceBinding
{
    public static SequenceStarts Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) => new()
    {
        Q = device.Data<int>(tensors.StartsQ),
        Kv = device.Data<int>(tensors.StartsKv),
        QOffset = tensors.StartsQ.Offset,
        KvOffset = tensors.StartsKv.Offset,
        HasQ = tensors.StartsQ.Flag(),
        HasKv = tensors.StartsKv.Flag(),
        TotalQ = problem.QueryRows,
        TotalKv = problem.KeyRows,
    };
}

/// <summary>Any layout and type of K and V.</summary>
internal readonly struct GeneralKeyBinding : IKeyBinding<GeneralKeys>
{
    public static GeneralKeys Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) => new()
    {
        K = Rows(device, tensors.K, tensors.KScales),
        V = Rows(device, tensors.V, tensors.VScales),
        Table = device.Data<int>(tensors.BlockTable),
        TableOffset = tensors.BlockTable.Offset,
        TableStride = tensors.BlockTable.IsEmpty ? 0 : tensors.BlockTable.Stride(0),
        IsPaged = tensors.BlockTable.Flag(),
        BlockShift = problem.Kv.BlockShift,
        Blocks = problem.Kv.Blocks,
        Starts = SequenceBinding.Bind(device, problem, tensors),
        RingRows = problem.Kv.IsRing ? problem.SeqKv : 0,
        Vectors = Vectors(device, problem, tensors),
    };

    private static VectorForm Vectors(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) => new()
    {
        Cos = device.Data<float>(tensors.Cos),
        Sin = device.Data<float>(tensors.Sin),
        CosOffset = tensors.Cos.Offset,
        SinOffset = tensors.Sin.Offset,
        CosStride = KernelArgs.BatchStride(tensors.Cos),
        SinStride = KernelArgs.BatchStride(tensors.Sin),
        PositionsQ = device.Data<int>(tensors.PositionsQ),
        PositionsKv = device.Data<int>(tensors.PositionsKv),
        QOffset = tensors.PositionsQ.Offset,
        KvOffset = tensors.PositionsKv.Offset,
        QBatchStride = KernelArgs.BatchStride(tensors.PositionsQ),
        KvBatchStride = KernelArgs.BatchStride(tensors.PositionsKv),
        HasPositions = tensors.PositionsQ.Flag(),
        MaxPosition = problem.Rotary?.MaxPosition ?? 0,
        RotaryDim = problem.Rotary?.RotaryDim ?? 0,
        IsInterleaved = problem.Rotary is { Interleaved: true } ? 1 : 0,
        IsCosine = problem.Similarity == Similarity.Cosine ? 1 : 0,
    };

    public static StoredRows Rows(KernelDevice device, in TensorView view, in TensorView scales)
    {
        bool isInteger = view.Type == DType.Int8;
        return new StoredRows
        {
            Floats = device.Floats(isInteger ? default : view),
            Integers = device.View<sbyte>(isInteger ? view.Buffer : null),
            Offset = view.Offset,
            BatchStride = KernelArgs.BatchStride(view),
            HeadStride = view.Stride(1),
            RowStride = view.Stride(2),
            IsWide = ((view.Offset | view.Stride(0) | view.Stride(1) | view.Stride(2)) & 7) == 0 ? 1 : 0,
            IsNear = view.Stride(2) <= TileCopy.LongestRow && Chunks(view) < int.MaxValue ? 1 : 0,
            Scales = device.Data<float>(scales),
            ScaleOffset = scales.Offset,
            ScaleBatchStride = KernelArgs.BatchStride(scales),
            ScaleHeadStride = scales.IsEmpty ? 0 : scales.Stride(1),
            ScaleRowStride = scales.IsEmpty ? 0 : scales.Stride(2),
        };
    }

    /// <summary>How far the last row of a head is from its first, in chunks of 16 bytes.</summary>
    private static long Chunks(in TensorView view) =>
        (((view.Size(0) - 1) * view.Stride(0)) + ((view.Size(2) - 1) * view.Stride(2))) * view.Type.Size() / 16;
}
