using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Where the rows of an update go in a cache (batch, heads, capacity, dim), or (blocks, heads, blockSize, dim) where it is paged.
/// </summary>
public struct CacheRows
{
    /// <summary>(batch) the cache row that the first row of the update goes to; 0 where <see cref="HasStarts"/> is 0.</summary>
    public ArrayView<int> Starts;
    public long StartsOffset;
    public int HasStarts;

    /// <summary>
    /// (batch, blocks of an entry), read where <see cref="IsPaged"/> is 1: row p lies in row p % blockSize of block table[b, p /
    /// blockSize].
    /// </summary>
    public ArrayView<int> Table;
    public long TableOffset, TableStride;

    /// <summary><see cref="BlockShift"/> is log2(blockSize).</summary>
    public int IsPaged, BlockShift, Blocks;

    /// <summary>Rows of a batch entry.</summary>
    public int Capacity;

    /// <summary>
    /// 1: rows past the end continue at the beginning; 0: they are dropped, as are those of blocks outside the cache (the host refuses both
    /// where it can see them).
    /// </summary>
    public int IsRing;

    /// <summary>The place of row <paramref name="r"/> of the update of batch entry <paramref name="b"/>; false: it has none.</summary>
    public readonly bool Find(int b, int r, out int entry, out int row)
    {
        long target = r;
        if (HasStarts != 0) target += Starts[StartsOffset + b];
        if (IsRing != 0) target %= Capacity;
        entry = b;
        row = (int)target;
        if (target < 0 || target >= Capacity) return false;
        if (IsPaged == 0) return true;
        entry = Table[TableOffset + b * TableStride + (row >> BlockShift)];
        row &= (1 << BlockShift) - 1;
        return entry >= 0 && entry < Blocks;
    }
}

/// <summary>What CacheAppend receives: a cache as <see cref="CacheRows"/> says, Update (batch, heads, rows, dim).</summary>
public struct CacheAppendArgs<T>
    where T : unmanaged
{
    public HeadView<T> Cache, Update;
    public CacheRows Place;
    public int Batch, Heads, Rows, Dim;
}

/// <summary>
/// Writes new rows into a key or value cache, in place: cache[b, h, start_b + r] = update[b, h, r], modulo the capacity in a ring.
/// Grid: ceil(batch heads rows dim / group) groups, a lane an element; shared: none.
/// </summary>
public static class CacheAppend<T>
    where T : unmanaged
{
    public static void Kernel(CacheAppendArgs<T> args)
    {
        long index = (long)Grid.IdxX * Group.DimX + Group.IdxX;
        long line = index / args.Dim;
        if (line >= (long)args.Batch * args.Heads * args.Rows) return;
        int d = (int)(index - line * args.Dim);
        long head = line / args.Rows;
        int r = (int)(line - head * args.Rows);
        int b = (int)(head / args.Heads);
        int h = (int)(head - (long)b * args.Heads);
        if (!args.Place.Find(b, r, out int entry, out int row)) return;
        args.Cache.Data[args.Cache.Head(entry, h) + row * args.Cache.RowStride + d] =
            args.Update.Data[args.Update.Head(b, h) + r * args.Update.RowStride + d];
    }
}
