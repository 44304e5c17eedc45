using ILGPU;

namespace AttnKernels.Kernels;

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

    /// <summary>One element of a row.</summary>
    public readonly float Load(in KeyRow row, int column)
    {
        float value = Load(row.At + column);
        return Floats.Kind == FloatView.None ? value * row.Scale : value;
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
