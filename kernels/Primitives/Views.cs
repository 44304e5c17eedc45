using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A (batch, head, row, column) tensor in device memory. Strides and the offset are in elements; columns are contiguous.
/// The offset is separate because a device view that starts inside a buffer loses its 16-byte alignment, and OpenCL cuts its offset to 32
/// bits.
/// </summary>
public struct HeadView<T>
    where T : unmanaged
{
    public ArrayView<T> Data;
    public long Offset;
    public long BatchStride;
    public long HeadStride;
    public long RowStride;

    /// <summary>1 where every row starts at a multiple of 4 elements, so that a row can be moved four elements at a time.</summary>
    public int IsVector;

    /// <summary>1 where every row starts at a multiple of 8 elements.</summary>
    public int IsWide;

    public readonly long Head(int b, int h) => Offset + b * BatchStride + h * HeadStride;
}

/// <summary>Where the elements of a (batch, head, row, column) tensor lie whose every axis may repeat (stride 0).</summary>
public struct BroadcastStrides
{
    public long Offset;
    public long BatchStride;
    public long HeadStride;
    public long RowStride;

    /// <summary>Fewer bits than the others': one instruction multiplies a column by it.</summary>
    public int ColumnStride;

    /// <summary>Where column 0 of a row lies.</summary>
    public readonly long Row(in ScoreRow row) => Index(row.B, row.H, row.I, 0);

    public readonly long Index(int b, int h, int i, int j) =>
        Offset + b * BatchStride + h * HeadStride + i * RowStride + (long)j * ColumnStride;
}

/// <summary>
/// Elements of any floating-point storage type, told apart at run time: for tensors that are read too rarely to be an axis of
/// instantiation.
/// </summary>
public struct FloatView
{
    public const int None = 0, Float32 = 1, Float16 = 2, BFloat16 = 3;

    /// <summary>Which of the constants above the elements are.</summary>
    public int Kind;

    /// <summary>The elements where they are fp32.</summary>
    public ArrayView<float> Wide;

    /// <summary>The elements where they are fp16 or bf16.</summary>
    public ArrayView<ushort> Narrow;

    /// <summary>Element <paramref name="index"/>; 0 where there are none.</summary>
    public readonly float Load(long index)
    {
        if (Kind == Float32) return Wide[index];
        if (Kind == Float16) return Float16Element.Load(Narrow[index]);
        if (Kind == BFloat16) return BFloat16Element.Load(Narrow[index]);
        return 0f;
    }

    /// <summary>Four elements of a row.</summary>
    public readonly F4 Load(long row, long step, I4 columns)
    {
        long x = row + columns.X * step, y = row + columns.Y * step, z = row + columns.Z * step, w = row + columns.W * step;
        if (Kind == Float32) return new F4(Wide[x], Wide[y], Wide[z], Wide[w]);
        if (Kind == Float16) return Load4<Float16Element>(x, y, z, w);
        return Load4<BFloat16Element>(x, y, z, w);
    }

    private readonly F4 Load4<TElement>(long x, long y, long z, long w)
        where TElement : struct, IElement<ushort> =>
        new(TElement.Load(Narrow[x]), TElement.Load(Narrow[y]), TElement.Load(Narrow[z]), TElement.Load(Narrow[w]));

    public readonly void Store(long index, float value)
    {
        if (Kind == Float32) Wide[index] = value;
        if (Kind == Float16) Narrow[index] = Float16Element.Store(value);
        if (Kind == BFloat16) Narrow[index] = BFloat16Element.Store(value);
    }
}
