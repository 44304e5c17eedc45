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

    public static bool HasSequences => true;

    public static bool HasVectors => true;

    public static bool IsStrided => false;

    public readonly TileRows KeyTiles<T>(in KeyPlace place)
        where T : unmanaged => K.Tiles<T>(place.HeadKv);

    public readonly TileRows ValueTiles<T>(in KeyPlace place)
        where T : unmanaged => V.Tiles<T>(place.HeadKv);

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

    public readonly void ChangeKeys(
        in FlashPosition at, in KeyPlace place, int j0, int rows, int endRow, int columns, ArrayView<F4> sTile, int stride,
        ArrayView<F4> sRow)
    {
        Vectors.Measure(rows, columns, sTile, stride, sRow);
        Group.Barrier(); // sRow holds the factors of the keys
        Vectors.ApplyToKeys(at, place, j0, rows, endRow, columns, sTile, stride, sRow);
        Group.Barrier(); // sTile holds the keys as they are compared
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
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Load(K, place, row0, rows, firstRow, endRow, columns, paddedColumns, sTile, stride);

    public readonly void LoadValues(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Load(V, place, row0, rows, firstRow, endRow, columns, paddedColumns, sTile, stride);

    public readonly FourRows KeyRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(K, place, j, stride, firstKey, endKey, columns);

    public readonly FourRows ValueRows(in KeyPlace place, int j, int stride, int firstKey, int endKey, int columns) =>
        Rows(V, place, j, stride, firstKey, endKey, columns);

    public readonly F8x4 LoadKeys(in FourRows rows, int column, int columns) => K.Load8(rows, column, columns);

    public readonly F8x4 LoadValues(in FourRows rows, int column, int columns) => V.Load8(rows, column, columns);

    private readonly void Load(
        in StoredRows source, in KeyPlace place, int row0, int rows, int firstRow, int endRow, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride)
    {
        int groupsPerRow = paddedColumns / 4;
        for (int index = Group.IdxX; index < rows * groupsPerRow; index += Group.DimX)
        {
            int r = index / groupsPerRow;
            int column = 4 * (index - r * groupsPerRow);
            int key = row0 + r;
            F4 value = default;
            if (key >= firstRow && key < endRow && column < columns) value = Row(source, place, key, column, columns);
            sTile[r * stride + column / 4] = value;
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

/// <summary>Rows of a (batch, head, row, column) tensor of any storage type, told apart at run time.</summary>
public struct StoredRows
{
    /// <summary>The elements where they are of a floating-point type; none where they are 8-bit integers.</summary>
    public FloatView Floats;

    /// <summary>The elements where they are 8-bit integers: a value is its integer times the scale of its row.</summary>
    public ArrayView<sbyte> Integers;
    public long Offset, BatchStride, HeadStride, RowStride;

    /// <summary>1 where every row starts at a multiple of 8 elements.</summary>
    public int IsWide;

    /// <summary>
    /// 1 where the rows of a head span less than 2^31 chunks of 16 bytes, and none is <see cref="TileCopy.LongestRow"/> away from the next.
    /// </summary>
    public int IsNear;

    /// <summary>(batch, head, row), beside integers.</summary>
    public ArrayView<float> Scales;
    public long ScaleOffset, ScaleBatchStride, ScaleHeadStride, ScaleRowStride;

    /// <summary>The rows of a head, for copies.</summary>
    public readonly TileRows Tiles<T>(int h)
        where T : unmanaged => new()
        {
            Data = TileRows.Units<T>() > 1 ? Floats.Wide.Cast<ushort>() : Floats.Narrow,
            Start = TileRows.Units<T>() * (Offset + h * HeadStride),
            EntryStride = TileRows.Units<T>() * BatchStride,
            RowStride = TileRows.Units<T>() * RowStride,
            IsWide = IsWide & IsNear,
        };

    /// <summary>Where a row lies.</summary>
    public readonly KeyRow Place(int b, int h, int row)
    {
        KeyRow place = default;
        place.At = Offset + b * BatchStride + h * HeadStride + row * RowStride;
        if (Floats.Kind == FloatView.None)
            place.Scale = Scales[ScaleOffset + b * ScaleBatchStride + h * ScaleHeadStride + row * ScaleRowStride];
        return place;
    }

    /// <summary>Elements column .. column+3 of a row; 0 at and past <paramref name="columns"/>.</summary>
    public readonly F4 Load4(in KeyRow row, int column, int columns)
    {
        long at = row.At + column;
        F4 value = default;
        value.X = Load(at);
        if (column + 1 < columns) value.Y = Load(at + 1);
        if (column + 2 < columns) value.Z = Load(at + 2);
        if (column + 3 < columns) value.W = Load(at + 3);
        if (Floats.Kind == FloatView.None) value.Scale(row.Scale);
        return value;
    }

    /// <summary>Elements column .. column+7 of four rows, of whole ones in one or two loads a row.</summary>
    public readonly F8x4 Load8(in FourRows rows, int column, int columns)
    {
        if (rows.AreWhole == 0)
        {
            F8x4 value = default;
            value.A = Load8(rows.A, column, columns);
            value.B = Load8(rows.B, column, columns);
            value.C = Load8(rows.C, column, columns);
            value.D = Load8(rows.D, column, columns);
            return value;
        }
        if (Floats.Kind == FloatView.Float32) return Whole<float, Float32Element>(Floats.Wide, rows, column);
        if (Floats.Kind == FloatView.Float16) return Whole<ushort, Float16Element>(Floats.Narrow, rows, column);
        if (Floats.Kind == FloatView.BFloat16) return Whole<ushort, BFloat16Element>(Floats.Narrow, rows, column);
        return Integers8(rows, column);
    }

    private static F8x4 Whole<T, TElement>(ArrayView<T> view, in FourRows rows, int column)
        where T : unmanaged
        where TElement : struct, IElement<T> => new()
        {
            A = TElement.Load8(view, rows.A.At + column),
            B = TElement.Load8(view, rows.B.At + column),
            C = TElement.Load8(view, rows.C.At + column),
            D = TElement.Load8(view, rows.D.At + column),
        };

    private readonly F8x4 Integers8(in FourRows rows, int column)
    {
        ArrayView<U32x2> integers = Integers.Cast<U32x2>();
        U32x2 a = integers[(rows.A.At + column) >> 3], b = integers[(rows.B.At + column) >> 3];
        U32x2 c = integers[(rows.C.At + column) >> 3], d = integers[(rows.D.At + column) >> 3];
        return new F8x4
        {
            A = Scaled(a, rows.A.Scale), B = Scaled(b, rows.B.Scale), C = Scaled(c, rows.C.Scale), D = Scaled(d, rows.D.Scale),
        };
    }

    private readonly F8 Load8(in KeyRow row, int column, int columns)
    {
        F8 value = default;
        if (row.At < 0)
        {
            value.Low = new F4(row.Scale, row.Scale, row.Scale, row.Scale);
            value.High = value.Low;
            return value;
        }
        value.Low = Load4(row, column, columns);
        if (column + 4 < columns) value.High = Load4(row, column + 4, columns);
        return value;
    }

    private static F8 Scaled(U32x2 bytes, float scale)
    {
        F8 value = default;
        value.Low = Signed(bytes.X);
        value.High = Signed(bytes.Y);
        value.Low.Scale(scale);
        value.High.Scale(scale);
        return value;
    }

    /// <summary>Four 8-bit integers, the lowest byte first.</summary>
    private static F4 Signed(uint bytes) =>
        new((int)(bytes << 24) >> 24, (int)(bytes << 16) >> 24, (int)(bytes << 8) >> 24, (int)bytes >> 24);

    private readonly float Load(long index) => Floats.Kind == FloatView.None ? Integers[index] : Floats.Load(index);
}
