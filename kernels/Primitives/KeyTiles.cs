using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Copies tiles of one key head's K and V to swizzled shared memory, all lanes of a group together: along running addresses where the rows
/// follow one another, else row by row. A warp copies at most 16 rows of a tile: its lanes 0 to 15 find where they lie in K, 16 to 31 in V,
/// and a shuffle tells those who copy. So a block table is read once a row, and ahead of the copies.
/// </summary>
public struct KeyTiles<T, TKeys>
    where T : unmanaged
    where TKeys : struct, IKeyTiles
{
    private TileCopy keys, values;
    private KeyPlace place;

    /// <summary>
    /// The row of a tile that this lane finds; its block, of the tile that comes next; the chunk where it starts, or one of the constants.
    /// </summary>
    private int row, block, found;

    public static KeyTiles<T, TKeys> Of(
        in TKeys source, in KeyPlace place, int headDim, int headDimV, ArrayView<U4> sK, ArrayView<U4> sV, int chunks, int lanes)
    {
        KeyTiles<T, TKeys> tiles = default;
        tiles.keys = TileCopy.Of(source.KeyTiles<T>(place), TileRows.Units<T>() * headDim, sK, chunks, lanes, TKeys.IsStrided);
        tiles.values = TileCopy.Of(source.ValueTiles<T>(place), TileRows.Units<T>() * headDimV, sV, chunks, lanes, TKeys.IsStrided);
        tiles.place = place;
        if (!TKeys.IsStrided) tiles.row = TileCopy.RowOfWarp(Group.IdxX & 15, chunks, lanes);
        return tiles;
    }

    /// <summary>Whether rows start at multiples of 16 bytes and end there: others are loaded element by element.</summary>
    public readonly bool IsWide => keys.IsWide && values.IsWide;

    /// <summary>The next tile starts at key <paramref name="j"/>; its rows can be looked up ahead.</summary>
    public void MoveTo(int j)
    {
        if (!TKeys.IsStrided) return;
        keys.MoveTo(j);
        values.MoveTo(j);
    }

    /// <summary>
    /// Loads what says where the rows of the tile at <paramref name="j"/> lie; some key before <paramref name="end"/> is visible.
    /// </summary>
    public void LookAhead(in TKeys source, int j, int end)
    {
        if (!TKeys.IsStrided) block = source.Block(place, Math.Min(j + row, end - 1));
    }

    /// <summary>
    /// Starts copying the tile of K at <paramref name="j"/>, which comes next and was looked at ahead; keys outside [first, end) become 0.
    /// </summary>
    public void StartKeys(in TKeys source, int j, int rows, int first, int end)
    {
        if (TKeys.IsStrided)
        {
            keys.Start(source.KeyTiles<T>(place).Start, j, rows, first, end);
            return;
        }
        found = Find(source, j + row, first, end);
        if (keys.IsWide) keys.StartFound(found, 0, rows);
        else keys.LoadFound(source, place, source.KeyTiles<T>(place).Start, j, rows, first, end);
    }

    /// <summary>As <see cref="StartKeys"/>, of V; K of this tile has been started.</summary>
    public void StartValues(in TKeys source, int j, int rows, int first, int end)
    {
        if (TKeys.IsStrided) values.Start(source.ValueTiles<T>(place).Start, j, rows, first, end);
        else if (values.IsWide) values.StartFound(found, 16, rows);
        else values.LoadFound(source, place, source.ValueTiles<T>(place).Start, j, rows, first, end);
    }

    /// <summary>
    /// As <see cref="StartKeys"/>, where rows are wide and all keys from the tile's first to <paramref name="end"/> visible, if there are
    /// any.
    /// </summary>
    public void StartWideKeys(in TKeys source, int j, int rows, int end)
    {
        if (TKeys.IsStrided)
        {
            if (j + rows <= end) keys.StartWhole(rows);
            else if (j < end) keys.Start(source.KeyTiles<T>(place).Start, j, rows, 0, end);
        }
        else if (j < end)
        {
            found = Find(source, j + row, 0, end);
            keys.StartFound(found, 0, rows);
        }
    }

    /// <summary>As <see cref="StartWideKeys"/>, of V of a whole tile.</summary>
    public void StartWholeValues(int rows)
    {
        if (TKeys.IsStrided) values.StartWhole(rows);
        else values.StartFound(found, 16, rows);
    }

    private readonly int Find(in TKeys source, int key, int first, int end)
    {
        if (key < first || key >= end) return TileCopy.Hidden;
        int inEntry = 0;
        int entry = source.Find(place, key, block, ref inEntry);
        if (entry < 0) return TileCopy.Missing;
        return (Group.IdxX & 16) == 0 ? keys.Place(entry, inEntry) : values.Place(entry, inEntry);
    }
}
