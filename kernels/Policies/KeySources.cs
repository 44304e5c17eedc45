using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Where the rows of K and V lie and how they are stored. A kernel asks once for the place of a head and then loads rows by key: key j is
/// the j-th key that the head's queries may see, wherever its rows lie.
/// </summary>
public interface IKeySource
{
    /// <summary>
    /// Whether a batch entry may have lengths and rows of its own, as packed sequences and rings have; false: <see cref="Narrow"/> is not
    /// called.
    /// </summary>
    static abstract bool HasSequences { get; }

    /// <summary>Narrows the position and the place of a batch entry, which are those that the shapes say, to the entry's own.</summary>
    /// <param name="at">The entry is its B; its SeqQ, QueryRow, KeyLength and FirstPosition are set.</param>
    /// <param name="place">The entry's place, whose Row is set.</param>
    /// <param name="written">The entry's key length as it was given, or seqKv.</param>
    void Narrow(ref FlashPosition at, ref KeyPlace place, int written);

    /// <summary>Whether rows of Q and K may change after they are loaded; false: <see cref="General"/> is not asked for.</summary>
    static abstract bool HasVectors { get; }

    /// <summary>The source as the one that changes rows.</summary>
    GeneralKeys General { get; }

    /// <summary>Where the keys of key head <paramref name="headKv"/> of batch entry <paramref name="b"/> begin.</summary>
    KeyPlace Place(int b, int headKv);

    /// <summary>
    /// Loads <paramref name="paddedColumns"/> columns, from <paramref name="column"/> on, a multiple of 8, of keys row0 .. row0+rows-1 into
    /// <paramref name="sTile"/> [rows][stride], all lanes of the group together. Elements at or past column <paramref name="columns"/> and
    /// keys outside [firstRow, endRow) become 0 and are not read.
    /// </summary>
    void LoadKeys(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride);

    /// <summary>As <see cref="LoadKeys"/>, of the values.</summary>
    void LoadValues(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride);
}

/// <summary>
/// A source whose rows can also be loaded straight into registers, by a lane on its own, four at a time: what FlashDecode streams.
/// </summary>
public interface IKeyRows : IKeySource
{
    /// <summary>
    /// Where keys j, j+stride, j+2*stride and j+3*stride lie. Those outside [firstKey, endKey) are not read, and their elements are 0.
    /// </summary>
    FourRows KeyRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns);

    /// <summary>As <see cref="KeyRows"/>, of the values.</summary>
    FourRows ValueRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns);

    /// <summary>
    /// Elements column .. column+7 of each row, <paramref name="column"/> a multiple of 8; 0 at and past <paramref name="columns"/>. Of
    /// whole rows all loads are on their way before the first is waited for.
    /// </summary>
    F8x4 LoadKeys(in FourRows rows, int column, int columns);

    /// <summary>As <see cref="LoadKeys"/>, of the values.</summary>
    F8x4 LoadValues(in FourRows rows, int column, int columns);
}

/// <summary>Where four rows lie.</summary>
public struct FourRows
{
    public KeyRow A, B, C, D;

    /// <summary>1 where all four are read, eight elements at a time from the first to the last.</summary>
    public int AreWhole;

    /// <param name="wide">1 where every row of the tensor starts at a multiple of 8 elements.</param>
    /// <param name="columns">Elements of a row.</param>
    public void FindWhole(int wide, int columns) =>
        AreWhole = wide != 0 && (columns & 7) == 0 && A.At >= 0 && B.At >= 0 && C.At >= 0 && D.At >= 0 ? 1 : 0;
}

/// <summary>Where a row lies.</summary>
public struct KeyRow
{
    /// <summary>Its first element; negative: it is not read, and every element is <see cref="Scale"/>.</summary>
    public long At;

    /// <summary>What 8-bit integers are multiplied by.</summary>
    public float Scale;
}

/// <summary>A source whose rows can be copied as they are stored, 16 bits an element: what tensor cores take.</summary>
public interface IKeyTiles : IKeySource
{
    /// <summary>
    /// Whether the rows of a place lie at one distance from each other, and follow <see cref="TileRows.Start"/>; false: each is looked up
    /// by the two methods below.
    /// </summary>
    static abstract bool IsStrided { get; }

    /// <summary>The rows of K of a place, where they are stored as <typeparamref name="T"/>, a floating-point type.</summary>
    TileRows KeyTiles<T>(in KeyPlace place)
        where T : unmanaged;

    /// <summary>As <see cref="KeyTiles"/>, of V.</summary>
    TileRows ValueTiles<T>(in KeyPlace place)
        where T : unmanaged;

    /// <summary>Loads what <see cref="Find"/> needs to know of key <paramref name="j"/>, which can be done ahead of it.</summary>
    int Block(in KeyPlace place, int j);

    /// <summary>
    /// The entry of the row of key <paramref name="j"/>, whose block is <paramref name="block"/>; -1: there is no such row. The row within
    /// the entry is set.
    /// </summary>
    int Find(in KeyPlace place, int j, int block, ref int row);
}

/// <summary>
/// Rows of Q, K, V or O in units of 16 bits, of which an element of fp32 is two: row r of entry e begins at unit
/// Start + e EntryStride + r RowStride.
/// </summary>
public struct TileRows
{
    public ArrayView<ushort> Data;
    public long Start, EntryStride, RowStride;

    /// <summary>
    /// 1 where every row starts at a multiple of 8 units, and if rows are looked up, 32 bits count the chunks of 8 from Start to each.
    /// </summary>
    public int IsWide;

    /// <summary>The rows of a head that begins at element <paramref name="start"/>, and of those behind it, which are entries.</summary>
    public static TileRows Of<T>(in HeadView<T> view, long start)
        where T : unmanaged => new()
        {
            Data = view.Data.Cast<ushort>(),
            Start = Units<T>() * start,
            EntryStride = Units<T>() * view.HeadStride,
            RowStride = Units<T>() * view.RowStride,
            IsWide = Units<T>() > 1 ? view.IsVector : view.IsWide,
        };

    /// <summary>Units of an element.</summary>
    public static int Units<T>()
        where T : unmanaged => Interop.SizeOf<T>() / sizeof(ushort);
}

/// <summary>One key head of a source.</summary>
public struct KeyPlace
{
    /// <summary>Elements in front of the head's rows of K, and of V.</summary>
    public long K, V;

    /// <summary>Batch entry and key head.</summary>
    public int B, HeadKv;

    /// <summary>The row of key 0, for sources with sequences.</summary>
    public int Row;
}

/// <summary>
/// K and V of the problem's own type, (batch, headsKv, seqKv, dim) with any strides: rows are loaded from where they lie.
/// </summary>
public struct PlainKeys<T, TElement> : IKeyRows, IKeyTiles
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public HeadView<T> K, V;

    public static bool HasSequences => false;

    public static bool HasVectors => false;

    public readonly GeneralKeys General => default;

    public static bool IsStrided => true;

    public readonly TileRows KeyTiles<TStored>(in KeyPlace place)
        where TStored : unmanaged => TileRows.Of(K, K.Head(place.B, place.HeadKv));

    public readonly TileRows ValueTiles<TStored>(in KeyPlace place)
        where TStored : unmanaged => TileRows.Of(V, V.Head(place.B, place.HeadKv));

    public readonly int Block(in KeyPlace place, int j) => 0;

    public readonly int Find(in KeyPlace place, int j, int block, ref int row) => 0;

    public readonly void Narrow(ref FlashPosition at, ref KeyPlace place, int written)
    {
    }

    public readonly KeyPlace Place(int b, int headKv) =>
        new() { K = K.Head(b, headKv), V = V.Head(b, headKv), B = b, HeadKv = headKv };

    public readonly void LoadKeys(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        RowCopy.LoadTile<T, TElement>(
            K, place.K + column, row0, rows, firstRow, endRow, columns - column, paddedColumns, sTile, stride);

    public readonly void LoadValues(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        RowCopy.LoadTile<T, TElement>(
            V, place.V + column, row0, rows, firstRow, endRow, columns - column, paddedColumns, sTile, stride);

    public readonly FourRows KeyRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(K, place.K, j, stride, firstKey, endKey, columns);

    public readonly FourRows ValueRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(V, place.V, j, stride, firstKey, endKey, columns);

    public readonly F8x4 LoadKeys(in FourRows rows, int column, int columns) => Load(K, rows, column, columns);

    public readonly F8x4 LoadValues(in FourRows rows, int column, int columns) => Load(V, rows, column, columns);

    private static FourRows Rows(in HeadView<T> source, long head, int j, int stride, int firstKey, int endKey, int columns)
    {
        FourRows rows = default;
        rows.A = Row(source, head, j, firstKey, endKey);
        rows.B = Row(source, head, j + stride, firstKey, endKey);
        rows.C = Row(source, head, j + 2 * stride, firstKey, endKey);
        rows.D = Row(source, head, j + 3 * stride, firstKey, endKey);
        rows.FindWhole(source.IsWide, columns);
        return rows;
    }

    private static KeyRow Row(in HeadView<T> source, long head, int j, int firstKey, int endKey) =>
        new() { At = j >= firstKey && j < endKey ? head + j * source.RowStride : -1 };

    private static F8x4 Load(in HeadView<T> source, in FourRows rows, int column, int columns)
    {
        F8x4 value = default;
        if (rows.AreWhole != 0)
        {
            value.A = TElement.Load8(source.Data, rows.A.At + column);
            value.B = TElement.Load8(source.Data, rows.B.At + column);
            value.C = TElement.Load8(source.Data, rows.C.At + column);
            value.D = TElement.Load8(source.Data, rows.D.At + column);
            return value;
        }
        if (rows.A.At >= 0) value.A = RowCopy.Load8<T, TElement>(source, rows.A.At, column, columns);
        if (rows.B.At >= 0) value.B = RowCopy.Load8<T, TElement>(source, rows.B.At, column, columns);
        if (rows.C.At >= 0) value.C = RowCopy.Load8<T, TElement>(source, rows.C.At, column, columns);
        if (rows.D.At >= 0) value.D = RowCopy.Load8<T, TElement>(source, rows.D.At, column, columns);
        return value;
    }
}
