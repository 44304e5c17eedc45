using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Walks down the rows of one head and copies tiles of them to swizzled shared memory, all lanes of a group together. A lane keeps its
/// chunk and a running address, and goes down a tile a step of the whole group at a time.
/// </summary>
public struct TileCopy
{
    /// <summary>A row is at most this long, so that offsets in a tile have 32 bits.</summary>
    public const long LongestRow = 1 << 23;

    /// <summary>What is found of rows that become 0, and of those that a cache does not have.</summary>
    public const int Hidden = -1, Missing = -2;

    private TileRows source;
    private ArrayView<U4> sTile;

    /// <summary>
    /// The chunk that the lane loads first, of the rows from 0 on and of the tile that comes next; of rows that are looked up: of row 0.
    /// </summary>
    private long first, at;

    /// <summary>From row to row, in chunks; rows of a step.</summary>
    private int stride, step;
    private int columns, chunks, target, isRead;

    /// <summary>Tiles of rows of <paramref name="chunks"/> chunks; those at or past column <paramref name="columns"/> become 0.</summary>
    public static TileCopy Of(in TileRows source, int columns, ArrayView<U4> sTile, int chunks, int lanes, bool isStrided = true)
    {
        int row = Group.IdxX / chunks;
        int chunk = Group.IdxX & (chunks - 1);
        int isRead = 8 * chunk < columns ? 1 : 0;
        return new TileCopy
        {
            source = source,
            sTile = sTile,
            first = (source.Start + (isStrided ? row : 0) * source.RowStride >> 3) + isRead * chunk,
            stride = (int)(source.RowStride >> 3),
            step = lanes / chunks,
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
    /// read. <paramref name="start"/> is the source's: to keep it would take registers, and few tiles ask for it.
    /// </summary>
    public void Start(long start, int row0, int rows, int firstRow, int endRow)
    {
        if (IsWide && row0 >= firstRow && row0 + rows <= endRow)
        {
            StartWhole(rows);
            return;
        }
        SwizzledTile.Load<ushort, SwizzledOrder>(
            source.Data, start, source.RowStride, 1, IsWide, row0, rows, firstRow, endRow, 0, columns, sTile, 0, chunks);
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

    /// <summary>
    /// Two steps, from row <paramref name="row"/> of the tile on, which is <paramref name="steps"/> steps behind the data.
    /// </summary>
    private readonly void StartTwo(ArrayView<U4> data, int steps, int row)
    {
        int odd = target ^ (step & 4); // where a step is 4 rows, every second of them is swizzled by 4 more
        TensorCore.CopyAsync(sTile.From(target), row * chunks, data, steps * step * stride, isRead);
        TensorCore.CopyAsync(sTile.From(odd), (row + step) * chunks, data, (steps + 1) * step * stride, isRead);
    }

    /// <summary>
    /// The row of a tile that is number <paramref name="n"/> of the at most 16 that this lane's warp copies: in steps of the whole group,
    /// of which it has 32 / chunks rows.
    /// </summary>
    public static int RowOfWarp(int n, int chunks, int lanes) =>
        n / (32 / chunks) * (lanes / chunks) + Group.IdxX / 32 * (32 / chunks) + n % (32 / chunks);

    /// <summary>Where a row starts, in chunks from the start of the source, whose rows are near.</summary>
    public readonly int Place(int entry, int row) => entry * (int)(source.EntryStride >> 3) + row * stride;

    /// <summary>
    /// Starts copying a tile whose rows were found: lane <paramref name="lane"/> + n has where row number n of the warp starts, or
    /// <see cref="Hidden"/> for one that becomes 0, or <see cref="Missing"/> for NaN. Rows are wide.
    /// </summary>
    public readonly void StartFound(int found, int lane, int rows)
    {
        int rowsOfStep = 32 / chunks;
        int n = lane + (Group.IdxX & 31) / chunks;
        StartTwoFound(found, n, 0);
        if (rows > 2 * step) StartTwoFound(found, n + 2 * rowsOfStep, 2 * step);
        for (int row = 4 * step; row < rows; row += 4 * step)
        {
            n += 4 * rowsOfStep;
            StartTwoFound(found, n, row);
            StartTwoFound(found, n + 2 * rowsOfStep, row + 2 * step);
        }
    }

    private readonly void StartTwoFound(int found, int n, int row)
    {
        int upper = Warp.Shuffle(found, n);
        int lower = Warp.Shuffle(found, n + 32 / chunks);
        int odd = target ^ (step & 4);
        StartFound(upper, sTile.From(target), row * chunks);
        StartFound(lower, sTile.From(odd), (row + step) * chunks);
    }

    private readonly void StartFound(int at, ArrayView<U4> sTarget, int offset)
    {
        if (at == Missing) sTarget[offset] = Nan;
        else TensorCore.CopyAsync(sTarget, offset, source.Data.Cast<U4>().From(first), Math.Max(at, 0), at >= 0 ? isRead : 0);
    }

    /// <summary>Loads a tile whose rows are looked up one by one, element by element.</summary>
    public readonly void LoadFound<TKeys>(in TKeys keys, in KeyPlace place, long start, int row0, int rows, int firstRow, int endRow)
        where TKeys : struct, IKeyTiles
    {
        for (int index = Group.IdxX; index < rows * chunks; index += Group.DimX)
        {
            int r = index / chunks;
            int chunk = index - r * chunks;
            int key = row0 + r;
            int target = SwizzledTile.Index(r, chunk, chunks);
            sTile[target] = default;
            if (key < firstRow || key >= endRow || 8 * chunk >= columns) continue;
            int row = 0;
            int entry = keys.Find(place, key, keys.Block(place, key), ref row);
            long at = start + entry * source.EntryStride + row * source.RowStride + 8 * chunk;
            sTile[target] = entry < 0 ? Nan : SwizzledTile.Gather(source.Data, at, 1, columns - 8 * chunk);
        }
    }

    /// <summary>Eight elements of fp16 or bf16.</summary>
    private static U4 Nan => new(0x7FFF7FFF, 0x7FFF7FFF, 0x7FFF7FFF, 0x7FFF7FFF);
}
