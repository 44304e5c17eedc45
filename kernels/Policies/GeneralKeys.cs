using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// K and V of any storage type: contiguous, packed, in a ring, or in the blocks of a paged cache, where key j of batch entry b lies in row
/// j % blockSize of block table[b, j / blockSize]. A block that the cache does not have gives NaN rather than a read outside.
/// </summary>
public struct GeneralKeys : IKeySource
{
    public StoredRows K, V;

    /// <summary>(batch, blocks of an entry), read where <see cref="IsPaged"/> is 1.</summary>
    public ArrayView<int> Table;
    public long TableOffset, TableStride;

    /// <summary><see cref="BlockShift"/> is log2(blockSize).</summary>
    public int IsPaged, BlockShift, Blocks;
    public SequenceStarts Starts;

    /// <summary>
    /// Rows of a ring, in which the key at position p lies in row p % RingRows, and key lengths count all keys ever written: key j is the j-th
    /// oldest that is still there. 0: no ring.
    /// </summary>
    public int RingRows;

    public static bool HasSequences => true;

    public readonly void Narrow(ref FlashPosition at, ref KeyPlace place, int written)
    {
        Starts.Narrow(ref at, ref place);
        if (RingRows == 0) return;
        at.FirstPosition = Math.Max(0, written - RingRows);
        place.Row = at.FirstPosition % RingRows;
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
        int entry = place.B;
        int row = place.Row + key;
        if (RingRows != 0 && row >= RingRows) row -= RingRows;
        if (IsPaged != 0)
        {
            entry = Table[TableOffset + place.B * TableStride + (key >> BlockShift)];
            row = key & ((1 << BlockShift) - 1);
            if (entry < 0 || entry >= Blocks) return new F4(float.NaN, float.NaN, float.NaN, float.NaN);
        }
        return source.Load4(entry, place.HeadKv, row, column, columns);
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
        if (Floats.Kind == FloatView.None)
            value.Scale(Scales[ScaleOffset + b * ScaleBatchStride + h * ScaleHeadStride + row * ScaleRowStride]);
        return value;
    }

    private readonly float Load(long index) => Floats.Kind == FloatView.None ? Integers[index] : Floats.Load(index);
}
