using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Rows of 16-bit elements in shared memory in chunks of 16 bytes. Chunk c of row r lies at c ^ (r mod 8): eight neighbouring rows have a
/// chunk in eight different bank groups, and so has a row its eight neighbouring chunks, so that neither ldmatrix nor the copies meet a
/// bank twice. Offsets are in chunks; a tile starts at a row that is a multiple of 8.
/// </summary>
public static class SwizzledTile
{
    public static int Index(int row, int chunk, int chunks) => row * chunks + (chunk ^ (row & 7));

    /// <summary>
    /// Starts loading rows row0 .. row0+rows-1 of one head, all lanes of the group together. Elements at or past column
    /// <paramref name="columns"/> and rows outside [firstRow, endRow) become 0 and are not read. Rows that do not start at multiples of 16 bytes are
    /// loaded element by element, and are there at the next barrier, too.
    /// </summary>
    public static void Load(
        in HeadView<ushort> source, long head, int row0, int rows, int firstRow, int endRow, int columns, ArrayView<U4> sTiles, int offset,
        int chunks)
    {
        bool isWide = ((source.Offset | source.BatchStride | source.HeadStride | source.RowStride | (long)columns) & 7) == 0;
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            int row = row0 + r;
            bool isRead = row >= firstRow && row < endRow && 8 * chunk < columns;
            long at = head + row * source.RowStride + 8 * chunk;
            int target = offset + Index(r, chunk, chunks);
            if (isWide) TensorCore.CopyAsync(sTiles, target, source.Data.Cast<U4>(), isRead ? at >> 3 : 0, isRead ? 1 : 0);
            else sTiles[target] = isRead ? Gather(source.Data, at, columns - 8 * chunk) : default;
        }
    }

    private static U4 Gather(ArrayView<ushort> data, long at, int count) =>
        new(Pair(data, at, count), Pair(data, at + 2, count - 2), Pair(data, at + 4, count - 4), Pair(data, at + 6, count - 6));

    private static uint Pair(ArrayView<ushort> data, long at, int count)
    {
        uint low = 0, high = 0;
        if (count > 0) low = data[at];
        if (count > 1) high = data[at + 1];
        return low | high << 16;
    }
}
