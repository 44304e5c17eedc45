using System.Diagnostics.CodeAnalysis;

namespace AttnKernels;

/// <summary>
/// A window on a tensor's memory: an element type, an offset, and up to <see cref="MaxRank"/> sizes and strides in elements. Making one
/// neither copies nor allocates. The default value means "no tensor". An axis may be counted from the end: -1 is the last.
/// </summary>
/// <example>
/// (batch, seq, head, dim): <c>t.View.Transpose(1, 2)</c>. Packed QKV (batch, seq, 3, head, dim): <c>t.View.Select(2, 1).Transpose(1,
/// 2)</c> is K.
/// ONNX rank 3 (batch, seq, head * dim): <c>t.View.SplitAxis(2, heads, dim).Transpose(1, 2)</c>.
/// </example>
public readonly struct TensorView
{
    /// <summary>Most axes a view can have.</summary>
    public const int MaxRank = 5;

    private readonly AxisSizes sizes;
    private readonly AxisStrides strides;

    internal TensorView(DeviceBuffer buffer, DType type, long offset, ReadOnlySpan<int> sizes, ReadOnlySpan<long> strides)
    {
        Buffer = buffer;
        Type = type;
        Offset = offset;
        Rank = sizes.Length;
        sizes.CopyTo(this.sizes);
        strides.CopyTo(this.strides);
    }

    internal DeviceBuffer? Buffer { get; }

    /// <summary>Whether there is no tensor behind this view.</summary>
    public bool IsEmpty => Buffer is null;

    /// <summary>Type of the elements.</summary>
    public DType Type { get; }

    /// <summary>Index of the view's first element in the tensor's memory.</summary>
    public long Offset { get; }

    /// <summary>Number of axes.</summary>
    public int Rank { get; }

    /// <summary>Size of every axis.</summary>
    [UnscopedRef]
    public ReadOnlySpan<int> Shape => ((ReadOnlySpan<int>)sizes)[..Rank];

    /// <summary>Distance in elements between neighbours along every axis.</summary>
    [UnscopedRef]
    public ReadOnlySpan<long> Strides => ((ReadOnlySpan<long>)strides)[..Rank];

    /// <summary>Size of one axis.</summary>
    public int Size(int axis) => sizes[Axis(axis)];

    /// <summary>Distance in elements between neighbours along one axis; 0 where the axis repeats one element.</summary>
    public long Stride(int axis) => strides[Axis(axis)];

    /// <summary>Number of elements; those of a repeating axis count each time.</summary>
    public long Count
    {
        get
        {
            if (Buffer is null) return 0;
            long count = 1;
            foreach (int size in Shape) count *= size;
            return count;
        }
    }

    /// <summary>Elements from the first to the last one, both included.</summary>
    internal long Extent
    {
        get
        {
            long extent = 1;
            for (int axis = 0; axis < Rank; axis++) extent += (sizes[axis] - 1) * strides[axis];
            return extent;
        }
    }

    /// <summary>Whether the elements lie one after the other in row-major order.</summary>
    public bool IsContiguous
    {
        get
        {
            long expected = 1;
            for (int axis = Rank - 1; axis >= 0; axis--)
            {
                if (sizes[axis] == 1) continue;
                if (strides[axis] != expected) return false;
                expected *= sizes[axis];
            }
            return true;
        }
    }

    /// <summary>Swaps two axes.</summary>
    public TensorView Transpose(int a, int b)
    {
        (a, b) = (Axis(a), Axis(b));
        (AxisSizes newSizes, AxisStrides newStrides) = (sizes, strides);
        (newSizes[a], newSizes[b]) = (newSizes[b], newSizes[a]);
        (newStrides[a], newStrides[b]) = (newStrides[b], newStrides[a]);
        return With(Offset, Rank, newSizes, newStrides);
    }

    /// <summary>Keeps <paramref name="length"/> elements of one axis, from <paramref name="start"/> on.</summary>
    public TensorView Slice(int axis, int start, int length)
    {
        axis = Axis(axis);
        if (start < 0 || length < 1 || start > sizes[axis] - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), $"[{start}, {start} + {length}) is not in axis {axis} of {this}.");
        }
        AxisSizes newSizes = sizes;
        newSizes[axis] = length;
        return With(Offset + (start * strides[axis]), Rank, newSizes, strides);
    }

    /// <summary>Keeps one element of an axis and drops the axis.</summary>
    public TensorView Select(int axis, int index) => Slice(axis, index, 1).Squeeze(axis);

    /// <summary>Drops an axis of size 1.</summary>
    public TensorView Squeeze(int axis)
    {
        axis = Axis(axis);
        if (sizes[axis] != 1) throw new ArgumentException($"Axis {axis} of {this} has not size 1.", nameof(axis));
        (AxisSizes newSizes, AxisStrides newStrides) = (sizes, strides);
        for (int i = axis; i < Rank - 1; i++) (newSizes[i], newStrides[i]) = (sizes[i + 1], strides[i + 1]);
        return With(Offset, Rank - 1, newSizes, newStrides);
    }

    /// <summary>Inserts an axis of size 1 before <paramref name="axis"/> (the rank, or -1: after the last one).</summary>
    public TensorView Unsqueeze(int axis)
    {
        if (axis < 0) axis += Rank + 1;
        if (axis < 0 || axis > Rank) throw new ArgumentOutOfRangeException(nameof(axis), axis, $"{this} has {Rank} axes.");
        RequireRoom();
        (AxisSizes newSizes, AxisStrides newStrides) = (sizes, strides);
        for (int i = Rank; i > axis; i--) (newSizes[i], newStrides[i]) = (sizes[i - 1], strides[i - 1]);
        (newSizes[axis], newStrides[axis]) = (1, 0);
        return With(Offset, Rank + 1, newSizes, newStrides);
    }

    /// <summary>Makes two axes, (outer, inner), of one.</summary>
    public TensorView SplitAxis(int axis, int outer, int inner)
    {
        axis = Axis(axis);
        if (outer < 1 || inner < 1 || (long)outer * inner != sizes[axis])
            throw new ArgumentException($"Axis {axis} of {this} is not {outer} x {inner}.", nameof(axis));
        TensorView result = Unsqueeze(axis);
        (AxisSizes newSizes, AxisStrides newStrides) = (result.sizes, result.strides);
        (newSizes[axis], newSizes[axis + 1]) = (outer, inner);
        newStrides[axis] = strides[axis] * inner;
        return With(Offset, Rank + 1, newSizes, newStrides);
    }

    /// <summary>The same elements in another shape. The view must be contiguous.</summary>
    public TensorView Reshape(params ReadOnlySpan<int> shape)
    {
        RequireTensor();
        if (!IsContiguous) throw new ArgumentException($"Only a contiguous view can be reshaped; this is {this}.", nameof(shape));
        long count = Sizes.Count(shape);
        if (count != Count) throw new ArgumentException($"{this} has not the {count} elements of {Sizes.Format(shape)}.", nameof(shape));
        return Dense(Buffer!, Type, Offset, shape);
    }

    /// <summary>Repeats axes of size 1 (stride 0) up to <paramref name="shape"/>; axes missing in front are added.</summary>
    public TensorView BroadcastTo(params ReadOnlySpan<int> shape)
    {
        RequireTensor();
        RequireRank(shape.Length);
        if (shape.Length < Rank) throw new ArgumentException($"{this} has more axes than {Sizes.Format(shape)}.", nameof(shape));
        _ = Sizes.Count(shape);
        int added = shape.Length - Rank;
        AxisSizes newSizes = default;
        AxisStrides newStrides = default;
        for (int axis = 0; axis < shape.Length; axis++)
        {
            int size = axis < added ? 1 : sizes[axis - added];
            if (size != 1 && size != shape[axis])
                throw new ArgumentException($"{this} does not broadcast to {Sizes.Format(shape)}.", nameof(shape));
            newSizes[axis] = shape[axis];
            newStrides[axis] = size == 1 ? 0 : strides[axis - added];
        }
        return With(Offset, shape.Length, newSizes, newStrides);
    }

    /// <summary>"Float16 (2, 8, 512, 64) strides (...)", the strides where they are not those of a dense tensor.</summary>
    public override string ToString()
    {
        if (IsEmpty) return "no tensor";
        return $"{Type} {Sizes.Format(Shape)}{(IsContiguous ? "" : $" strides {Sizes.Format(Strides)}")}";
    }

    internal static TensorView Dense(DeviceBuffer buffer, DType type, long offset, ReadOnlySpan<int> shape)
    {
        RequireRank(shape.Length);
        Span<long> strides = stackalloc long[shape.Length];
        long stride = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= shape[axis];
        }
        return new TensorView(buffer, type, offset, shape, strides);
    }

    /// <summary>The view with axes of size 1 added in front up to <paramref name="rank"/>.</summary>
    internal TensorView PadTo(int rank)
    {
        TensorView view = this;
        while (view.Rank < rank) view = view.Unsqueeze(0);
        return view;
    }

    internal static void RequireRank(int rank, string parameter = "shape")
    {
        if (rank is < 1 or > MaxRank) throw new ArgumentException($"A tensor has 1 to {MaxRank} axes, not {rank}.", parameter);
    }

    private TensorView(DeviceBuffer? buffer, DType type, long offset, int rank, AxisSizes sizes, AxisStrides strides)
    {
        (Buffer, Type, Offset, Rank) = (buffer, type, offset, rank);
        (this.sizes, this.strides) = (sizes, strides);
    }

    private TensorView With(long offset, int rank, AxisSizes newSizes, AxisStrides newStrides) =>
        new(Buffer, Type, offset, rank, newSizes, newStrides);

    private int Axis(int axis)
    {
        RequireTensor();
        int counted = axis < 0 ? axis + Rank : axis;
        return (uint)counted < (uint)Rank
            ? counted
            : throw new ArgumentOutOfRangeException(nameof(axis), axis, $"{this} has {Rank} axes.");
    }

    private void RequireTensor()
    {
        if (Buffer is null) throw new InvalidOperationException("The view is empty: there is no tensor behind it.");
    }

    private void RequireRoom()
    {
        RequireTensor();
        if (Rank == MaxRank) throw new ArgumentException($"{this} has {MaxRank} axes already, the most a view can have.");
    }
}
