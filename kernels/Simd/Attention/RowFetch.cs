namespace AttnKernels.Simd;

/// <summary>Rows of memory that will be needed, asked for a few at a time while products keep the arithmetic busy.</summary>
internal unsafe struct RowFetch(byte** rows, int count, int bytes)
{
    private int next;

    public void Some<W, V>(int most)
        where W : struct, IWidth<V>
        where V : struct
    {
        for (int end = Math.Min(count, next + most); next < end; next++) Rows<W, V>.Prefetch(rows[next], bytes);
    }
}
