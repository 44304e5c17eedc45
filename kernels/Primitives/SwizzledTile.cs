using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>Where a tile's chunks of 16 bytes lie in shared memory.</summary>
public interface ITileOrder
{
    /// <summary>The place of chunk <paramref name="chunk"/> of row <paramref name="row"/>, in rows of so many chunks.</summary>
    static abstract int Index(int row, int chunk, int chunks);
}

/// <summary>As <see cref="SwizzledTile"/> has it.</summary>
public readonly struct SwizzledOrder : ITileOrder
{
    public static int Index(int row, int chunk, int chunks) => SwizzledTile.Index(row, chunk, chunks);
}

/// <summary>Elements of 2 or 4 bytes in chunks of 16.</summary>
public static class Chunk<T>
    where T : unmanaged
{
    /// <summary>Elements of a chunk.</summary>
    public static int Elements => 1 << Shift;

    /// <summary>The same as a power of two.</summary>
    public static int Shift => Interop.SizeOf<T>() == sizeof(ushort) ? 3 : 2;

    /// <summary>
    /// A chunk of neighbours that lie <paramref name="step"/> apart, of which <paramref name="count"/> are there; the others are 0.
    /// </summary>
    public static U4 Gather(ArrayView<T> data, long at, long step, int count)
    {
        if (Interop.SizeOf<T>() == sizeof(ushort)) return SwizzledTile.Gather(data.Cast<ushort>(), at, step, count);
        ArrayView<uint> words = data.Cast<uint>();
        U4 values = default;
        if (count > 0) values.X = words[at];
        if (count > 1) values.Y = words[at + step];
        if (count > 2) values.Z = words[at + 2 * step];
        if (count > 3) values.W = words[at + 3 * step];
        return values;
    }
}

/// <summary>
/// Rows of elements of 16 bits, or of 32 that count as two, in shared memory in chunks of 16 bytes. Chunk c of row r lies at c ^ (r mod 8),
/// in rows of 64 bytes, of which two fill the banks, at c ^ (r / 2 mod 4): eight neighbouring rows have a chunk in eight different bank
/// groups, and so have eight neighbouring chunks, so that neither ldmatrix nor the copies meet a bank twice. Offsets are in chunks; a tile
/// starts at a row that is a multiple of 8.
/// </summary>
public static class SwizzledTile
{
    public static int Index(int row, int chunk, int chunks) => row * chunks + (chunks < 8 ? chunk ^ ((row >> 1) & 3) : chunk ^ (row & 7));

    /// <summary>
    /// Starts loading columns column0 .. of rows row0 .. row0+rows-1, all lanes of the group together. Elements at or past endColumn and
    /// rows outside [firstRow, endRow) become 0 and are not read. Where <paramref name="isWide"/> says that chunks cannot be copied whole,
    /// they are loaded element by element, and are there at the next barrier, too.
    /// </summary>
    public static void Load<T, TOrder>(
        ArrayView<T> data, long start, long rowStride, long columnStride, bool isWide, int row0, int rows, int firstRow, int endRow,
        int column0, int endColumn, ArrayView<U4> sTiles, int offset, int chunks)
        where T : unmanaged
        where TOrder : struct, ITileOrder
    {
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            int row = row0 + r;
            int column = column0 + Chunk<T>.Elements * chunk;
            bool isRead = row >= firstRow && row < endRow && column < endColumn;
            long at = start + row * rowStride + column * columnStride;
            int target = offset + TOrder.Index(r, chunk, chunks);
            if (isWide) TensorCore.CopyAsync(sTiles, target, data.Cast<U4>(), isRead ? at >> Chunk<T>.Shift : 0, isRead ? 1 : 0);
            else sTiles[target] = isRead ? Chunk<T>.Gather(data, at, columnStride, endColumn - column) : default;
        }
    }

    /// <summary>
    /// Stores a tile's rows as <see cref="ITensorFormat.OutputSwizzle"/> has laid them, those
    /// before <paramref name="endRow"/> and their elements before column <paramref name="columns"/>.
    /// </summary>
    public static void Store<TFormat>(
        in TileRows target, in TileHeads heads, int row0, int rows, int endRow, int columns, ArrayView<U4> sTile, int chunks)
        where TFormat : struct, ITensorFormat
    {
        bool isWide = target.IsWide != 0 && (columns & 7) == 0;
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            if (row0 + r >= endRow || 8 * chunk >= columns) continue;
            U4 values = sTile[r * chunks + (chunk ^ TFormat.OutputSwizzle(r))];
            long at = Place(target, heads, row0 + r) + 8 * chunk;
            if (isWide) target.Data.Cast<U4>()[at >> 3] = values;
            else Scatter(target.Data, at, columns - 8 * chunk, values);
        }
    }

    /// <summary>
    /// Starts loading a tile whose rows are those of several heads, as <see cref="Load"/> does of one: rows before
    /// <paramref name="endRow"/>.
    /// </summary>
    public static void LoadHeads(
        in TileRows source, in TileHeads heads, int row0, int rows, int endRow, int columns, ArrayView<U4> sTile, int chunks)
    {
        bool isWide = source.IsWide != 0 && (columns & 7) == 0;
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            bool isRead = row0 + r < endRow && 8 * chunk < columns;
            long at = Place(source, heads, row0 + r) + 8 * chunk;
            int target = Index(r, chunk, chunks);
            if (isWide) TensorCore.CopyAsync(sTile, target, source.Data.Cast<U4>(), isRead ? at >> 3 : 0, isRead ? 1 : 0);
            else sTile[target] = isRead ? Gather(source.Data, at, 1, columns - 8 * chunk) : default;
        }
    }

    private static long Place(in TileRows rows, in TileHeads heads, int row)
    {
        int query = heads.Query(row);
        return rows.Start + query * rows.RowStride + (row - query * heads.Count) * rows.EntryStride;
    }

    /// <summary>Eight elements, of which <paramref name="count"/> are there; the others are 0.</summary>
    public static U4 Gather(ArrayView<ushort> data, long at, long step, int count) => new(
        Pair(data, at, step, count), Pair(data, at + 2 * step, step, count - 2), Pair(data, at + 4 * step, step, count - 4),
        Pair(data, at + 6 * step, step, count - 6));

    private static uint Pair(ArrayView<ushort> data, long at, long step, int count)
    {
        uint low = 0, high = 0;
        if (count > 0) low = data[at];
        if (count > 1) high = data[at + step];
        return low | high << 16;
    }

    private static void Scatter(ArrayView<ushort> data, long at, int count, U4 values)
    {
        Put(data, at, count, values.X);
        Put(data, at + 2, count - 2, values.Y);
        Put(data, at + 4, count - 4, values.Z);
        Put(data, at + 6, count - 6, values.W);
    }

    private static void Put(ArrayView<ushort> data, long at, int count, uint pair)
    {
        if (count > 0) data[at] = (ushort)pair;
        if (count > 1) data[at + 1] = (ushort)(pair >> 16);
    }
}
