using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// K and V of any storage type: contiguous, packed, in a ring, or in the blocks of a paged cache, where key j of batch entry b lies in row
/// j % blockSize of block table[b, j / blockSize]. A block that the cache does not have gives NaN rather than a read outside.
/// </summary>
public struct GeneralKeys : IKeyRows, IKeyTiles
{
    public StoredRows K, V;

    /// <summary>(batch, blocks of an entry), read where <see cref="IsPaged"/> is 1.</summary>
    public ArrayView<int> Table;
    public long TableOffset, TableStride;

    /// <summary><see cref="BlockShift"/> is log2(blockSize).</summary>
    public int IsPaged, BlockShift, Blocks;
    public SequenceStarts Starts;

    /// <summary>
    /// Rows of a ring, in which the key at position p lies in row p % RingRows, and key lengths count all keys ever written: key j is the
    /// j-th oldest that is still there. 0: no ring.
    /// </summary>
    public int RingRows;

    /// <summary>What happens to rows of Q and K once they are loaded.</summary>
    public VectorForm Vectors;

    /// <summary>Queries of a tile whose rows come in chunks, at most.</summary>
    private const int QueryRows = 16;

    public static bool HasSequences => true;

    public static bool HasVectors => true;

    public readonly GeneralKeys General => this;

    public static bool IsStrided => false;

    public readonly TileRows KeyTiles<T>(in KeyPlace place)
        where T : unmanaged => K.Tiles<T>(place.HeadKv);

    public readonly TileRows ValueTiles<T>(in KeyPlace place)
        where T : unmanaged => V.Tiles<T>(place.HeadKv);

    /// <summary>
    /// Changes the queries i0 .. in <paramref name="sTile"/> [rows][stride], all lanes together; sRow is scratch for a number a row.
    /// </summary>
    public readonly void ChangeQueries(
        in FlashPosition at, int i0, int rows, int columns, ArrayView<F4> sTile, int stride, ArrayView<F4> sRow)
    {
        // Barriers are not under a condition: PoCL 6 cannot compile such a kernel.
        Group.Barrier(); // sTile holds the queries
        Vectors.Measure(rows, columns, sTile, stride, sRow);
        Group.Barrier(); // sRow holds the factors of the queries
        Vectors.ApplyToQueries(at, i0, rows, columns, sTile, stride, sRow);
        Group.Barrier(); // sRow is free again
    }

    /// <summary>As <see cref="ChangeQueries"/>, of the keys j0 .., of which those before <paramref name="endRow"/> are there.</summary>
    public readonly void ChangeKeys(
        in FlashPosition at, in KeyPlace place, int j0, int rows, int endRow, int columns, ArrayView<F4> sTile, int stride,
        ArrayView<F4> sRow)
    {
        Vectors.Measure(rows, columns, sTile, stride, sRow);
        Group.Barrier(); // sRow holds the factors of the keys
        Vectors.ApplyToKeys(at, place, j0, rows, endRow, columns, sTile, stride, sRow);
        Group.Barrier(); // sTile holds the keys as they are compared
    }

    /// <summary>
    /// Where rows do not fit into tiles: before columns of a pair of tiles are loaded, leaves what their rows are multiplied by in
    /// <paramref name="sRow"/>, keys behind 16 queries.
    /// </summary>
    public readonly void MeasureRows<TQueries>(
        in TQueries queries, in FlashPosition at, in KeyPlace place, in TilePair tiles, int columns, ArrayView<float> sRow)
        where TQueries : struct, IStoredElements
    {
        KeyElements keys = new() { Keys = this, Place = place, First = tiles.J0 };
        // A lane a row. Lanes without one sum no columns: a loop that they go around PoCL 6 computes as if all lanes took it.
        int r = Group.IdxX;
        bool isQuery = r < tiles.EndQ, isKey = r >= tiles.FirstK && r < tiles.EndK;
        float ofQuery = Vectors.InverseLength(queries, r, isQuery ? columns : 0);
        float ofKey = Vectors.InverseLength(keys, r, isKey ? columns : 0);
        if (isQuery) sRow[r] = ofQuery;
        if (isKey) sRow[QueryRows + r] = ofKey;
        Group.Barrier(); // sRow holds what the rows are multiplied by
    }

    /// <summary>
    /// Changes <paramref name="columns"/> columns of a pair of tiles, from <paramref name="column"/> on, all lanes together.
    /// </summary>
    public readonly void ChangeColumns<TQueries>(
        in TQueries queries, in FlashPosition at, in KeyPlace place, in TilePair tiles, int column, int columns, ArrayView<F4> sQ,
        ArrayView<F4> sK, int stride, ArrayView<float> sRow)
        where TQueries : struct, IStoredElements
    {
        Group.Barrier(); // sQ and sK hold the rows as they are stored
        int endQ = Vectors.IsPresent != 0 ? tiles.EndQ : 0, endK = Vectors.IsPresent != 0 ? tiles.EndK : 0;
        KeyElements keys = new() { Keys = this, Place = place, First = tiles.J0 };
        Vectors.LoadTurned(queries, Vectors.OfQueries(at, tiles.I0), 0, endQ, column, columns, sQ, stride, sRow);
        Vectors.LoadTurned(
            keys, Vectors.OfKeys(at, place, tiles.J0, tiles.J0 + tiles.EndK), tiles.FirstK, endK, column, columns, sK, stride,
            sRow.From(QueryRows));
    }

    /// <summary>
    /// One of <paramref name="lanes"/> parts of the dot product of a query, row 0 of <paramref name="queries"/>, and a key as they are
    /// compared.
    /// </summary>
    public readonly float TurnedDot<TQueries>(
        in TQueries queries, in FlashPosition at, in KeyPlace place, int i, int key, int columns, int lane, int lanes)
        where TQueries : struct, IStoredElements
    {
        KeyElements keys = new() { Keys = this, Place = place, First = key };
        VectorForm.RowPositions ofQuery = Vectors.OfQueries(at, i), ofKey = Vectors.OfKeys(at, place, key, key + 1);
        float sum = 0f;
        for (int d = lane; d < columns; d += lanes) sum += Vectors.Turned(queries, ofQuery, 0, d) * Vectors.Turned(keys, ofKey, 0, d);
        return sum * Vectors.InverseLength(queries, 0, columns) * Vectors.InverseLength(keys, 0, columns);
    }

    /// <summary>An element of a key.</summary>
    public readonly float KeyElement(in KeyPlace place, int key, int column)
    {
        KeyRow row = Place(K, place, key);
        return row.At < 0 ? row.Scale : K.Load(row, column);
    }

    public readonly void Narrow(ref FlashPosition at, ref KeyPlace place, int written)
    {
        Starts.Narrow(ref at, ref place);
        if (RingRows == 0) return;
        at.FirstPosition = Math.Max(0, written - RingRows);
        // The compiler may divide before it branches, and OpenCL lets it conclude from a divisor that it is not 0.
        place.Row = at.FirstPosition % Math.Max(RingRows, 1);
    }

    public readonly KeyPlace Place(int b, int headKv) => new() { B = b, HeadKv = headKv };

    public readonly void LoadKeys(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Load(K, place, row0, rows, firstRow, endRow, column, columns, paddedColumns, sTile, stride);

    public readonly void LoadValues(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Load(V, place, row0, rows, firstRow, endRow, column, columns, paddedColumns, sTile, stride);

    public readonly FourRows KeyRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(K, place, j, stride, firstKey, endKey, columns);

    public readonly FourRows ValueRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(V, place, j, stride, firstKey, endKey, columns);

    public readonly F8x4 LoadKeys(in FourRows rows, int column, int columns) => K.Load8(rows, column, columns);

    public readonly F8x4 LoadValues(in FourRows rows, int column, int columns) => V.Load8(rows, column, columns);

    private readonly void Load(
        in StoredRows source, in KeyPlace place, int row0, int rows, int firstRow, int endRow, int firstColumn, int columns,
        int paddedColumns, ArrayView<F4> sTile, int stride)
    {
        int groupsPerRow = paddedColumns / 4;
        for (int index = Group.IdxX; index < rows * groupsPerRow; index += Group.DimX)
        {
            int r = index / groupsPerRow;
            int group = index - r * groupsPerRow;
            int column = firstColumn + 4 * group;
            int key = row0 + r;
            F4 value = default;
            if (key >= firstRow && key < endRow && column < columns) value = Row(source, place, key, column, columns);
            sTile[r * stride + group] = value;
        }
    }

    private readonly F4 Row(in StoredRows source, in KeyPlace place, int key, int column, int columns)
    {
        KeyRow row = Place(source, place, key);
        if (row.At < 0) return new F4(row.Scale, row.Scale, row.Scale, row.Scale);
        return source.Load4(row, column, columns);
    }

    private readonly FourRows Rows(in StoredRows source, in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns)
    {
        FourRows rows = default;
        rows.A = Place(source, place, j, firstKey, endKey);
        rows.B = Place(source, place, j + stride, firstKey, endKey);
        rows.C = Place(source, place, j + 2 * stride, firstKey, endKey);
        rows.D = Place(source, place, j + 3 * stride, firstKey, endKey);
        rows.FindWhole(source.IsWide, columns);
        return rows;
    }

    private readonly KeyRow Place(in StoredRows source, in KeyPlace place, int key, int firstKey, int endKey) =>
        key >= firstKey && key < endKey ? Place(source, place, key) : new KeyRow { At = -1 };

    /// <summary>Where a key's row lies; a block that the cache does not have makes every element NaN.</summary>
    private readonly KeyRow Place(in StoredRows source, in KeyPlace place, int key)
    {
        int row = 0;
        int entry = Entry(place, key, ref row);
        return entry < 0 ? new KeyRow { At = -1, Scale = float.NaN } : source.Place(entry, place.HeadKv, row);
    }

    /// <summary>The first index of the key's row in K and V; -1: a block that the cache does not have. The row there is set.</summary>
    private readonly int Entry(in KeyPlace place, int key, ref int row) => Find(place, key, Block(place, key), ref row);

    public readonly int Block(in KeyPlace place, int j) =>
        IsPaged != 0 ? Table[TableOffset + place.B * TableStride + (j >> BlockShift)] : place.B;

    public readonly int Find(in KeyPlace place, int j, int block, ref int row)
    {
        row = place.Row + j;
        if (RingRows != 0 && row >= RingRows) row -= RingRows;
        if (IsPaged != 0)
        {
            row = j & ((1 << BlockShift) - 1);
            if (block < 0 || block >= Blocks) return -1;
        }
        return block;
    }
}
