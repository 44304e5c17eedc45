using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Rows of 16-bit elements in shared memory in chunks of 16 bytes. Chunk c of row r lies at c ^ (r mod 8), in rows of 64 bytes, of which two fill the
/// banks, at c ^ (r / 2 mod 4): eight neighbouring rows have a chunk in eight different bank groups, and so have eight neighbouring chunks, so
/// that neither ldmatrix nor the copies meet a bank twice. Offsets are in chunks; a tile starts at a row that is a multiple of 8.
/// </summary>
public static class SwizzledTile
{
    public static int Index(int row, int chunk, int chunks) => row * chunks + (chunks < 8 ? chunk ^ ((row >> 1) & 3) : chunk ^ (row & 7));

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
        Load(source.Data, head, source.RowStride, 1, isWide, row0, rows, firstRow, endRow, 0, columns, sTiles, offset, chunks);
    }

    /// <summary>The same of columns from column0 on and of any strides; isWide says that chunks can be copied whole.</summary>
    public static void Load(
        ArrayView<ushort> data, long start, long rowStride, long columnStride, bool isWide, int row0, int rows, int firstRow, int endRow,
        int column0, int endColumn, ArrayView<U4> sTiles, int offset, int chunks)
    {
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            int row = row0 + r;
            int column = column0 + 8 * chunk;
            bool isRead = row >= firstRow && row < endRow && column < endColumn;
            long at = start + row * rowStride + column * columnStride;
            int target = offset + Index(r, chunk, chunks);
            if (isWide) TensorCore.CopyAsync(sTiles, target, data.Cast<U4>(), isRead ? at >> 3 : 0, isRead ? 1 : 0);
            else sTiles[target] = isRead ? Gather(data, at, columnStride, endColumn - column) : default;
        }
    }

    private static U4 Gather(ArrayView<ushort> data, long at, long step, int count) => new(
        Pair(data, at, step, count), Pair(data, at + 2 * step, step, count - 2), Pair(data, at + 4 * step, step, count - 4),
        Pair(data, at + 6 * step, step, count - 6));

    private static uint Pair(ArrayView<ushort> data, long at, long step, int count)
    {
        uint low = 0, high = 0;
        if (count > 0) low = data[at];
        if (count > 1) high = data[at + step];
        return low | high << 16;
    }
}
