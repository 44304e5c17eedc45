using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Walks down the rows of one head and copies tiles of them to swizzled shared memory, all lanes of a group together. A lane keeps its chunk
/// and a running address, and goes down a tile a step of the whole group at a time.
/// </summary>
public struct TileCopy
{
    /// <summary>A row is at most this long, so that offsets in a tile have 32 bits.</summary>
    private const long LongestRow = 1 << 23;

    private HeadView<ushort> source;
    private ArrayView<U4> sTile;

    /// <summary>The chunk that the lane loads first, of row 0 and of the tile that comes next.</summary>
    private long first, at;

    /// <summary>From row to row, in chunks; rows of a step.</summary>
    private int stride, step;
    private int b, h, columns, chunks, target, isRead;

    /// <summary>Tiles of rows of <paramref name="chunks"/> chunks; those at or past column <paramref name="columns"/> become 0.</summary>
    public static TileCopy Of(in HeadView<ushort> source, int b, int h, int columns, ArrayView<U4> sTile, int chunks, int lanes)
    {
        int row = Group.IdxX / chunks;
        int chunk = Group.IdxX & (chunks - 1);
        int isRead = 8 * chunk < columns ? 1 : 0;
        return new TileCopy
        {
            source = source,
            sTile = sTile,
            first = (source.Head(b, h) + row * source.RowStride >> 3) + isRead * chunk,
            stride = (int)(source.RowStride >> 3),
            step = lanes / chunks,
            b = b,
            h = h,
            columns = columns,
            chunks = chunks,
            target = SwizzledTile.Index(row, chunk, chunks),
            isRead = isRead,
        };
    }

    /// <summary>Whether rows start at multiples of 16 bytes and end there: others are loaded element by element.</summary>
    public readonly bool IsWide => source.IsWide != 0 && (columns & 7) == 0 && source.RowStride <= LongestRow;

    /// <summary>The next tile starts at this row.</summary>
    public void MoveTo(int row) => at = first + (long)row * stride;

    /// <summary>
    /// Starts copying the next tile, rows row0 .. row0+rows-1, and moves on behind it; rows outside [firstRow, endRow) become 0 and are not
    /// read.
    /// </summary>
    public void Start(int row0, int rows, int firstRow, int endRow)
    {
        if (IsWide && row0 >= firstRow && row0 + rows <= endRow)
        {
            StartWhole(rows);
            return;
        }
        SwizzledTile.Load(
            source.Data, source.Head(b, h), source.RowStride, 1, IsWide, row0, rows, firstRow, endRow, 0, columns, sTile, 0, chunks);
        at += (long)rows * stride;
    }

    /// <summary>The same where all rows are there and wide. <paramref name="rows"/> is two steps, or a multiple of four.</summary>
    public void StartWhole(int rows)
    {
        ArrayView<U4> data = source.Data.Cast<U4>().From(at);
        StartTwo(data, 0, 0);
        if (rows > 2 * step) StartTwo(data, 2, 2 * step);
        for (int row = 4 * step; row < rows; row += 4 * step)
        {
            data = data.From(4 * step * stride);
            StartTwo(data, 0, row);
            StartTwo(data, 2, row + 2 * step);
        }
        at += (long)rows * stride;
    }

    /// <summary>Two steps, from row <paramref name="row"/> of the tile on, which is <paramref name="steps"/> steps behind the data.</summary>
    private readonly void StartTwo(ArrayView<U4> data, int steps, int row)
    {
        int odd = target ^ (step & 4); // where a step is 4 rows, every second of them is swizzled by 4 more
        TensorCore.CopyAsync(sTile.From(target), row * chunks, data, steps * step * stride, isRead);
        TensorCore.CopyAsync(sTile.From(odd), (row + step) * chunks, data, (steps + 1) * step * stride, isRead);
    }
}
