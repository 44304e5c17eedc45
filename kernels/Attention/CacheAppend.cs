using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What CacheAppend receives: Cache (batch, heads, capacity, dim), Update (batch, heads, rows, dim).</summary>
public struct CacheAppendArgs<T>
    where T : unmanaged
{
    public HeadView<T> Cache, Update;

    /// <summary>(batch) the cache row that the first row of the update goes to; 0 where <see cref="HasStarts"/> is 0.</summary>
    public ArrayView<int> Starts;
    public long StartsOffset;
    public int HasStarts;

    public int Batch, Heads, Capacity, Rows, Dim;

    /// <summary>
    /// 1: rows past the end continue at the beginning; 0: they are dropped (the host refuses such starts where it can see them).
    /// </summary>
    public int IsCircular;
}

/// <summary>
/// Writes new rows into a key or value cache, in place: cache[b, h, start_b + r] = update[b, h, r], modulo the capacity where circular.
/// Grid: ceil(batch heads rows dim / group) groups, a lane an element; shared: none.
/// </summary>
public static class CacheAppend<T>
    where T : unmanaged
{
    public static void Kernel(CacheAppendArgs<T> args)
    {
        long index = (long)Grid.IdxX * Group.DimX + Group.IdxX;
        long row = index / args.Dim;
        if (row >= (long)args.Batch * args.Heads * args.Rows) return;
        int d = (int)(index - row * args.Dim);
        long head = row / args.Rows;
        int r = (int)(row - head * args.Rows);
        int b = (int)(head / args.Heads);
        int h = (int)(head - (long)b * args.Heads);

        long target = r;
        if (args.HasStarts != 0) target += args.Starts[args.StartsOffset + b];
        if (args.IsCircular != 0) target %= args.Capacity;
        if (target < 0 || target >= args.Capacity) return;
        args.Cache.Data[args.Cache.Head(b, h) + target * args.Cache.RowStride + d] =
            args.Update.Data[args.Update.Head(b, h) + r * args.Update.RowStride + d];
    }
}
