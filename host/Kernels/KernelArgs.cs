using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>Turns checked views into the views that kernels take.</summary>
internal static class KernelArgs
{
    public static HeadView<T> Heads<T>(this KernelDevice device, in TensorView view)
        where T : unmanaged => new()
        {
            Data = device.View<T>(view.Buffer),
            Offset = view.Offset,
            BatchStride = BatchStride(view),
            HeadStride = view.Stride(1),
            RowStride = view.Stride(2),
            IsVector = IsMultipleOf4(view.Offset | view.Stride(0) | view.Stride(1) | view.Stride(2)),
            IsWide = ((view.Offset | view.Stride(0) | view.Stride(1) | view.Stride(2)) & 7) == 0 ? 1 : 0,
        };

    /// <summary>0 where there is one entry, which then serves every batch entry: sequences that share an axis.</summary>
    public static long BatchStride(in TensorView view) => view.IsEmpty || view.Size(0) == 1 ? 0 : view.Stride(0);

    public static BroadcastStrides Broadcast(in TensorView view)
    {
        if (view.IsEmpty) return default;
        if (view.Stride(3) is < int.MinValue or > int.MaxValue)
        {
            throw new NotSupportedException(
                $"Kernels read masks and biases whose columns are at most 2^31 - 1 elements apart; got {view.Stride(3)}.");
        }
        return new BroadcastStrides
        {
            Offset = view.Offset,
            BatchStride = view.Stride(0),
            HeadStride = view.Stride(1),
            RowStride = view.Stride(2),
            ColumnStride = (int)view.Stride(3),
        };
    }

    /// <summary>The elements of a floating-point tensor, or none.</summary>
    public static FloatView Floats(this KernelDevice device, in TensorView view)
    {
        bool isWide = view.Type == DType.Float32;
        return new FloatView
        {
            Kind = view.IsEmpty ? FloatView.None : KindOf(view.Type),
            Wide = device.View<float>(isWide ? view.Buffer : null),
            Narrow = device.View<ushort>(isWide ? null : view.Buffer),
        };
    }

    private static int KindOf(DType type) => type switch
    {
        DType.Float32 => FloatView.Float32,
        DType.Float16 => FloatView.Float16,
        _ => FloatView.BFloat16,
    };

    /// <summary>A matrix view (batch0, batch1, rows, columns), with the axis that the kernel calls outer, and the other one.</summary>
    public static OperandView<T> Operand<T>(this KernelDevice device, in TensorView view, int outerAxis, int kAxis)
        where T : unmanaged
    {
        long outer = view.Stride(outerAxis);
        long k = view.Stride(kAxis);

        // The contiguous axis is the one that vectors run along; the other must keep their alignment.
        long across = k == 1 ? outer : k;
        bool hasContiguousAxis = k == 1 || outer == 1;
        return new OperandView<T>
        {
            Data = device.View<T>(view.Buffer),
            Offset = view.Offset,
            Batch0Stride = view.Stride(0),
            Batch1Stride = view.Stride(1),
            OuterStride = outer,
            KStride = k,
            IsVector = hasContiguousAxis ? IsMultipleOf4(view.Offset | view.Stride(0) | view.Stride(1) | across) : 0,
        };
    }

    /// <summary>
    /// The result of a product, rows outer. A store runs along the columns, so one whose rows are the contiguous axis is written element by
    /// element.
    /// </summary>
    public static OperandView<T> Result<T>(this KernelDevice device, in TensorView view)
        where T : unmanaged
    {
        OperandView<T> c = device.Operand<T>(view, outerAxis: 2, kAxis: 3);
        if (c.KStride != 1) c.IsVector = 0;
        return c;
    }

    public static ArrayView<T> Data<T>(this KernelDevice device, in TensorView view)
        where T : unmanaged => device.View<T>(view.Buffer);

    public static int Flag(this in TensorView view) => view.IsEmpty ? 0 : 1;

    private static int IsMultipleOf4(long strides) => (strides & 3) == 0 ? 1 : 0;
}
