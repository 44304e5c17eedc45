using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A (batch, head, row, column) tensor in device memory. Strides and the offset are in elements; columns are contiguous.
/// The offset is separate because a device view that starts inside a buffer loses its 16-byte alignment, and OpenCL cuts its offset to 32 bits.
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

    public readonly long Head(int b, int h) => Offset + b * BatchStride + h * HeadStride;
}

/// <summary>A (batch, head, row, column) tensor whose every axis may repeat (stride 0).</summary>
public struct BroadcastView<T>
    where T : unmanaged
{
    public ArrayView<T> Data;
    public long Offset;
    public long BatchStride;
    public long HeadStride;
    public long RowStride;
    public long ColumnStride;

    public readonly T At(int b, int h, int i, int j) =>
        Data[Offset + b * BatchStride + h * HeadStride + i * RowStride + j * ColumnStride];
}
