using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// K and V of any storage type: contiguous, packed, in a ring, or in the blocks of a paged cache, where key j of batch entry b lies in row
/// j % blockSize of block table[b, j / blockSize]. A block that the cache does not have gives NaN rather than a read outside.
/// </summary>
public struct GeneralKeys : IKeyRows
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
        in FlashPosition at, in KeyPlace place, int j0, int rows, int endRow, int columns, ArrayView<F4> sTile, int stride, ArrayView<F4> sRow)
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

    public readonly F8 LoadKey(in KeyPlace place, int j, int column, int columns) => Row8(K, place, j, column, columns);

    public readonly F8 LoadValue(in KeyPlace place, int j, int column, int columns) => Row8(V, place, j, column, columns);

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
        int row = 0;
        int entry = Entry(place, key, ref row);
        if (entry < 0) return Missing;
        return source.Load4(entry, place.HeadKv, row, column, columns);
    }

    private readonly F8 Row8(in StoredRows source, in KeyPlace place, int key, int column, int columns)
    {
        int row = 0;
        int entry = Entry(place, key, ref row);
        F8 value = default;
        if (entry >= 0) return source.Load8(entry, place.HeadKv, row, column, columns);
        value.Low = Missing;
        value.High = Missing;
        return value;
    }

    private static F4 Missing => new(float.NaN, float.NaN, float.NaN, float.NaN);

    /// <summary>The first index of the key's row in K and V; -1: a block that the cache does not have. The row there is set.</summary>
    private readonly int Entry(in KeyPlace place, int key, ref int row)
    {
        row = place.Row + key;
        if (RingRows != 0 && row >= RingRows) row -= RingRows;
        int entry = place.B;
        if (IsPaged != 0)
        {
            entry = Table[TableOffset + place.B * TableStride + (key >> BlockShift)];
            row = key & ((1 << BlockShift) - 1);
            if (entry < 0 || entry >= Blocks) return -1;
        }
        return entry;
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

    /// <summary>(batch, head, row), beside integers.</summary>
    public ArrayView<float> Scales;
    public long ScaleOffset, ScaleBatchStride, ScaleHeadStride, ScaleRowStride;

    /// <summary>Elements column .. column+3 of a row; 0 at and past <paramref name="columns"/>.</summary>
    public readonly F4 Load4(int b, int h, int row, int column, int columns)
    {
        long at = Offset + b * BatchStride + h * HeadStride + row * RowStride + column;
        F4 value = default;
        value.X = Load(at);
        if (column + 1 < columns) value.Y = Load(at + 1);
        if (column + 2 < columns) value.Z = Load(at + 2);
        if (column + 3 < columns) value.W = Load(at + 3);
        if (Floats.Kind == FloatView.None) value.Scale(Scale(b, h, row));
        return value;
    }

    /// <summary>Elements column .. column+7 as <see cref="Load4"/> gives them, in one or two loads where the rows are wide.</summary>
    public readonly F8 Load8(int b, int h, int row, int column, int columns)
    {
        F8 value = default;
        if (IsWide == 0 || column + 8 > columns)
        {
            value.Low = Load4(b, h, row, column, columns);
            if (column + 4 < columns) value.High = Load4(b, h, row, column + 4, columns);
            return value;
        }
        long at = Offset + b * BatchStride + h * HeadStride + row * RowStride + column;
        if (Floats.Kind == FloatView.Float32) return Float32Element.Load8(Floats.Wide, at);
        if (Floats.Kind == FloatView.Float16) return Float16Element.Load8(Floats.Narrow, at);
        if (Floats.Kind == FloatView.BFloat16) return BFloat16Element.Load8(Floats.Narrow, at);
        U32x2 bytes = Integers.Cast<U32x2>()[at >> 3];
        float scale = Scale(b, h, row);
        value.Low = Signed(bytes.X);
        value.High = Signed(bytes.Y);
        value.Low.Scale(scale);
        value.High.Scale(scale);
        return value;
    }

    private readonly float Scale(int b, int h, int row) =>
        Scales[ScaleOffset + b * ScaleBatchStride + h * ScaleHeadStride + row * ScaleRowStride];

    /// <summary>Four 8-bit integers, the lowest byte first.</summary>
    private static F4 Signed(uint bytes) =>
        new((int)(bytes << 24) >> 24, (int)(bytes << 16) >> 24, (int)(bytes << 8) >> 24, (int)bytes >> 24);

    private readonly float Load(long index) => Floats.Kind == FloatView.None ? Integers[index] : Floats.Load(index);
}
