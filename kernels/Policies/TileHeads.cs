namespace AttnKernels.Kernels;

/// <summary>
/// Which rows a tile of queries has. Of one head: row r is query r. Or of all heads that share a key head, so that few queries fill a tile
/// and K and V are read once for them: row r is query r / Count of head r mod Count, and queries grow with the rows (FlashAttention-3 calls
/// it PackGQA).
/// </summary>
public struct TileHeads
{
    /// <summary>Rows times <see cref="Count"/> up to here are divided without error.</summary>
    public const long MostRows = 1L << 31;

    /// <summary>Heads of a tile.</summary>
    public int Count;

    /// <summary>How often that is in the heads of a batch entry.</summary>
    public int Tiled;

    /// <summary>2^31 / Count, rounded up: a row is divided by one multiplication.</summary>
    public uint Inverse;

    public static TileHeads Of(int heads, int count) => new()
    {
        Count = count, Tiled = heads / count, Inverse = (uint)((MostRows + count - 1) / count),
    };

    public readonly int Query(int row) => (int)((ulong)(uint)row * Inverse >> 31);

    /// <summary>The head among those of the tile.</summary>
    public readonly int Head(int row) => row - Query(row) * Count;
}
