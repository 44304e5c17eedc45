using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace AttnKernels;

public sealed partial class AttentionDevice
{
    /// <summary>A dense tensor of <paramref name="shape"/> (1 to 5 axes, each at least 1), filled with zeros.</summary>
    /// <exception cref="DeviceMemoryException">Too little memory is free; says how much is needed and free.</exception>
    public DeviceTensor Allocate(DType type, params ReadOnlySpan<int> shape)
    {
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        TensorView.RequireRank(shape.Length);
        _ = Sizes.Count(shape);
        if (!Sizes.TryBytes(type, shape, out long bytes))
            throw new ArgumentException($"A {type} tensor of shape {Sizes.Format(shape)} has more than 2^63 bytes.", nameof(shape));
        DeviceBuffer buffer = Backend.Allocate(bytes);
        return new DeviceTensor(this, TensorView.Dense(buffer, type, 0, shape));
    }

    /// <summary>A tensor with a copy of <paramref name="data"/>, row-major: float, Half, BFloat16, int, sbyte, or bool (byte).</summary>
    /// <exception cref="ArgumentException">The data has not as many elements as the shape.</exception>
    public DeviceTensor Upload<T>(ReadOnlySpan<T> data, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        DType type = ElementTypes.Of<T>();
        RequireLength(data.Length, shape);
        DeviceTensor tensor = Allocate(type, shape);
        tensor.Upload(data);
        return tensor;
    }

    /// <inheritdoc cref="Upload{T}(ReadOnlySpan{T}, ReadOnlySpan{int})"/>
    public DeviceTensor Upload<T>(T[] data, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        ArgumentNullException.ThrowIfNull(data);
        return Upload((ReadOnlySpan<T>)data, shape);
    }

    /// <summary>A dense tensor with a copy of <paramref name="tensor"/>, whose shape it takes; any strides.</summary>
    public DeviceTensor Upload<T>(ReadOnlyTensorSpan<T> tensor) where T : unmanaged
    {
        Span<int> shape = stackalloc int[TensorView.MaxRank];
        TensorView.RequireRank(tensor.Rank, nameof(tensor));
        if (tensor.FlattenedLength > Array.MaxLength)
        {
            throw new NotSupportedException(
                $"The tensor span has {tensor.FlattenedLength} elements; one copy takes at most {Array.MaxLength}. Upload it in parts.");
        }
        for (int axis = 0; axis < tensor.Rank; axis++) shape[axis] = checked((int)tensor.Lengths[axis]);
        T[] dense = new T[tensor.FlattenedLength];
        tensor.FlattenTo(dense);
        return Upload((ReadOnlySpan<T>)dense, shape[..tensor.Rank]);
    }

    /// <summary>A tensor of the floating-point type <paramref name="type"/> with <paramref name="data"/> rounded to nearest even.</summary>
    /// <exception cref="ArgumentException">Another type, or the data has not as many elements as the shape.</exception>
    public DeviceTensor UploadAs(DType type, ReadOnlySpan<float> data, params ReadOnlySpan<int> shape)
    {
        if (!type.IsFloat()) throw DeviceTensor.NotFloat(type, nameof(type));
        RequireLength(data.Length, shape);
        DeviceTensor tensor = Allocate(type, shape);
        tensor.UploadFloats(data);
        return tensor;
    }

    /// <summary>
    /// A tensor over memory of the caller's, which must stay valid until the tensor is disposed and need not be aligned. CPU device only.
    /// </summary>
    /// <param name="address">Address of the first element.</param>
    /// <param name="type">Type of the elements.</param>
    /// <param name="shape">1 to 5 axes, each at least 1.</param>
    /// <param name="strides">Distance in elements between neighbours along each axis, not negative; empty = dense.</param>
    /// <exception cref="NotSupportedException">The device cannot use memory that it did not allocate.</exception>
    public DeviceTensor Wrap(nint address, DType type, ReadOnlySpan<int> shape, ReadOnlySpan<long> strides = default)
    {
        if (address == 0) throw new ArgumentNullException(nameof(address));
        return Wrap(address, type, shape, strides, owner: null);
    }

    /// <summary>
    /// A tensor over <paramref name="memory"/>, which stays pinned until the tensor is disposed. What a Run writes appears in it. CPU
    /// device only.
    /// </summary>
    /// <exception cref="ArgumentException">The memory has not as many elements as the shape.</exception>
    /// <exception cref="NotSupportedException">The device cannot use memory that it did not allocate.</exception>
    public unsafe DeviceTensor Wrap<T>(Memory<T> memory, params ReadOnlySpan<int> shape) where T : unmanaged
    {
        DType type = ElementTypes.Of<T>();
        RequireLength(memory.Length, shape);
        System.Buffers.MemoryHandle pin = memory.Pin();
        try
        {
            return Wrap((nint)pin.Pointer, type, shape, default, pin);
        }
        catch
        {
            pin.Dispose();
            throw;
        }
    }

    private DeviceTensor Wrap(nint address, DType type, ReadOnlySpan<int> shape, ReadOnlySpan<long> strides, IDisposable? owner)
    {
        ObjectDisposedException.ThrowIf(Backend.IsDisposed, this);
        TensorView.RequireRank(shape.Length);
        _ = Sizes.Count(shape);
        if (!strides.IsEmpty && strides.Length != shape.Length)
            throw new ArgumentException($"{strides.Length} strides do not fit the shape {Sizes.Format(shape)}.", nameof(strides));

        Int128 extent = 1;
        Int128 dense = 1;
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            if (!strides.IsEmpty && strides[axis] < 0)
                throw new ArgumentException($"Strides must not be negative, are {Sizes.Format(strides)}.", nameof(strides));
            extent += (shape[axis] - 1) * (strides.IsEmpty ? dense : strides[axis]);
            dense *= shape[axis];
        }
        if (extent * type.Size() > long.MaxValue - address)
            throw new ArgumentException($"A {type} tensor of shape {Sizes.Format(shape)} reaches past the address space.", nameof(shape));

        DeviceBuffer buffer = Backend.Wrap(address, (long)extent * type.Size(), owner);
        TensorView view = strides.IsEmpty
            ? TensorView.Dense(buffer, type, 0, shape)
            : new TensorView(buffer, type, 0, shape, strides);
        return new DeviceTensor(this, view);
    }

    private static void RequireLength(int length, ReadOnlySpan<int> shape)
    {
        TensorView.RequireRank(shape.Length);
        long count = Sizes.Count(shape);
        if (count != length)
            throw new ArgumentException($"The data has {length} elements, the shape {Sizes.Format(shape)} has {count}.", nameof(shape));
    }
}
