namespace AttnKernels.Simd;

/// <summary>
/// Appends rows to a cache on the CPU. The contract is that of <see cref="CacheAppendArgs"/>; arguments are not validated.
/// </summary>
public static unsafe class SimdCacheAppend
{
    /// <summary>
    /// Row by row on the calling thread: an append moves few bytes, and memory is busy with them already. Rows of one element from 0 on are
    /// matrices that are copied, and perhaps transposed, whole: there work items are strips of <see cref="ElementSquares{T}"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the cache is undefined.</exception>
    public static void Run(in CacheAppendArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        if (args is { Dim: 1 } && args.CacheType == args.Type && args.Starts == null && args.BlockTable == null)
        {
            if (args.Type == DType.Float32) Run(args, workers, &ElementSquares<uint>.Item, ElementSquares<uint>.Strips(args), cancel);
            else Run(args, workers, &ElementSquares<ushort>.Item, ElementSquares<ushort>.Strips(args), cancel);
            return;
        }

        for (int b = 0; b < args.Batch; b++)
        {
            long start = args.Starts == null ? 0 : args.Starts[b];
            for (int r = 0; r < args.Rows; r++)
            {
                long row = (start + r) % args.Capacity;
                long entry = b;
                if (args.BlockTable != null)
                {
                    entry = args.BlockTable[b * args.TableStride + (row >> args.BlockShift)];
                    row &= (1 << args.BlockShift) - 1;
                }

                for (int h = 0; h < args.Heads; h++) Append(args, b, h, r, entry, row);
            }
        }
    }

    private static void Run(in CacheAppendArgs args, SimdWorkers workers, delegate*<void*, int, byte*, void> item, int strips,
        CancellationToken cancel)
    {
        CacheAppendArgs shared = args;
        SimdPlace place = workers.Enter();
        try
        {
            workers.Run(place, item, &shared, checked(args.Batch * strips), 0, cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }

    private static void Append(in CacheAppendArgs args, int b, int h, int r, long entry, long row)
    {
        byte* source = Address(args.Update, args.Type.Size(), b, h, r);
        byte* target = Address(args.Cache, args.CacheType.Size(), entry, h, row);
        if (args.CacheType == args.Type)
        {
            long bytes = (long)args.Dim * args.Type.Size();
            Buffer.MemoryCopy(source, target, bytes, bytes);
            return;
        }

        float* scale = args.CacheType == DType.Int8 ? (float*)Address(args.Scales, sizeof(float), entry, h, row) : null;
        switch (args.Type)
        {
            case DType.Float16: Store<Float16Element>(source, target, scale, args.CacheType, args.Dim); break;
            case DType.BFloat16: Store<BFloat16Element>(source, target, scale, args.CacheType, args.Dim); break;
            default: Store<Float32Element>(source, target, scale, args.CacheType, args.Dim); break;
        }
    }

    private static void Store<E>(byte* source, byte* target, float* scale, DType type, int dim)
        where E : struct, IElement
    {
        switch (type)
        {
            case DType.Int8: *scale = CacheRow<E>.Quantise(source, (sbyte*)target, dim); break;
            case DType.Float16: CacheRow<E>.Convert<Float16Element>(source, target, dim); break;
            case DType.BFloat16: CacheRow<E>.Convert<BFloat16Element>(source, target, dim); break;
            default: CacheRow<E>.Convert<Float32Element>(source, target, dim); break;
        }
    }

    private static byte* Address(in HeadTensor tensor, int size, long batch, int head, long row) =>
        (byte*)tensor.Data + size * (batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride);
}
