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
            BatchStride = view.Stride(0),
            HeadStride = view.Stride(1),
            RowStride = view.Stride(2),
            IsVector = IsMultipleOf4(view.Offset | view.Stride(0) | view.Stride(1) | view.Stride(2)),
        };

    public static BroadcastView<T> Broadcast<T>(this KernelDevice device, in TensorView view)
        where T : unmanaged
    {
        BroadcastView<T> broadcast = new() { Data = device.View<T>(view.Buffer) };
        if (view.IsEmpty) return broadcast;
        broadcast.Offset = view.Offset;
        broadcast.BatchStride = view.Stride(0);
        broadcast.HeadStride = view.Stride(1);
        broadcast.RowStride = view.Stride(2);
        broadcast.ColumnStride = view.Stride(3);
        return broadcast;
    }

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

    public static ArrayView<T> Data<T>(this KernelDevice device, in TensorView view)
        where T : unmanaged => device.View<T>(view.Buffer);

    public static int Flag(this in TensorView view) => view.IsEmpty ? 0 : 1;

    private static int IsMultipleOf4(long strides) => (strides & 3) == 0 ? 1 : 0;
}
