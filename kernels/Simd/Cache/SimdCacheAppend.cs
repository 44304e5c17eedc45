namespace AttnKernels.Simd;

/// <summary>Appends rows to a cache on the CPU. The contract is that of <see cref="CacheAppendArgs"/>; arguments are not validated.</summary>
public static unsafe class SimdCacheAppend
{
    /// <summary>Copies row by row on the calling thread: an append moves few bytes, and memory is busy with them already.</summary>
    public static void Run(in CacheAppendArgs args)
    {
        int size = args.Type.Size();
        long rowBytes = (long)args.Dim * size;
        for (int b = 0; b < args.Batch; b++)
        {
            long start = args.Starts == null ? 0 : args.Starts[b];
            for (int h = 0; h < args.Heads; h++)
            {
                byte* cache = (byte*)args.Cache.Data + size * (b * args.Cache.BatchStride + h * args.Cache.HeadStride);
                byte* update = (byte*)args.Update.Data + size * (b * args.Update.BatchStride + h * args.Update.HeadStride);
                for (int r = 0; r < args.Rows; r++)
                {
                    long row = (start + r) % args.Capacity;
                    Buffer.MemoryCopy(
                        update + r * args.Update.RowStride * size, cache + row * args.Cache.RowStride * size, rowBytes, rowBytes);
                }
            }
        }
    }
}
