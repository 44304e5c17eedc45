using System.Runtime.InteropServices;

namespace AttnKernels;

/// <summary>
/// Memory on a device with a type and a shape. Dispose it to free the memory; a Run that is using it then keeps it to its end.
/// Copies to and from the host wait until they are done.
/// </summary>
public sealed class DeviceTensor : IDisposable
{
    private readonly TensorView view;

    internal DeviceTensor(AttentionDevice device, TensorView view) => (Device, this.view) = (device, view);

    /// <summary>The device that holds the memory.</summary>
    public AttentionDevice Device { get; }

    /// <summary>The whole tensor as a view.</summary>
    public TensorView View => view;

    /// <summary>Type of the elements.</summary>
    public DType Type => view.Type;

    /// <summary>Size of every axis.</summary>
    public ReadOnlySpan<int> Shape => view.Shape;

    /// <summary>Number of elements.</summary>
    public long Count => view.Count;

    /// <summary>Size of the memory in bytes.</summary>
    public long Bytes => view.Buffer!.Bytes;

    /// <summary>The whole tensor as a view; null gives the empty view.</summary>
    public static implicit operator TensorView(DeviceTensor? tensor) => tensor is null ? default : tensor.view;

    /// <summary>Overwrites all elements, row-major, after the work queued on <paramref name="stream"/>, or on all streams if it is
    /// null.</summary>
    /// <exception cref="ArgumentException">Another number or type of elements.</exception>
    /// <exception cref="ObjectDisposedException">The tensor or its device has been disposed.</exception>
    public void Upload<T>(ReadOnlySpan<T> data, DeviceStream? stream = null) where T : unmanaged
    {
        RequireCopy<T>(data.Length);
        DeviceStream queue = Enter(stream);
        try
        {
            lock (queue.Gate) Device.Backend.Upload(queue.Backend, MemoryMarshal.AsBytes(data), view.Buffer!, 0);
        }
        finally
        {
            view.Buffer!.Release();
        }
    }

    /// <summary>Copies all elements, row-major, after the work queued on <paramref name="stream"/>, or on all streams if it is
    /// null.</summary>
    /// <inheritdoc cref="Upload{T}(ReadOnlySpan{T}, DeviceStream)" path="/exception"/>
    public void Download<T>(Span<T> data, DeviceStream? stream = null) where T : unmanaged
    {
        RequireCopy<T>(data.Length);
        DeviceStream queue = Enter(stream);
        try
        {
            lock (queue.Gate) Device.Backend.Download(queue.Backend, view.Buffer!, 0, MemoryMarshal.AsBytes(data));
        }
        finally
        {
            view.Buffer!.Release();
        }
    }

    /// <summary>All elements, row-major.</summary>
    /// <exception cref="NotSupportedException">They are more than an array holds.</exception>
    public T[] ToArray<T>() where T : unmanaged
    {
        RequireArray(Count);
        T[] data = new T[Count];
        Download(data.AsSpan());
        return data;
    }

    /// <summary>All elements of a floating-point tensor as float, exactly.</summary>
    public float[] ToFloats()
    {
        switch (Type)
        {
            case DType.Float32: return ToArray<float>();
            case DType.Float16: return Array.ConvertAll(ToArray<Half>(), x => (float)x);
            case DType.BFloat16: return Array.ConvertAll(ToArray<BFloat16>(), x => (float)x);
            default: throw NotFloat(Type, nameof(Type));
        }
    }

    /// <summary>Overwrites all elements of a floating-point tensor with <paramref name="data"/> rounded to nearest even.</summary>
    public void UploadFloats(ReadOnlySpan<float> data)
    {
        switch (Type)
        {
            case DType.Float32:
                Upload(data);
                break;
            case DType.Float16:
                Half[] halves = new Half[data.Length];
                for (int i = 0; i < data.Length; i++) halves[i] = (Half)data[i];
                Upload<Half>(halves);
                break;
            case DType.BFloat16:
                BFloat16[] brains = new BFloat16[data.Length];
                for (int i = 0; i < data.Length; i++) brains[i] = (BFloat16)data[i];
                Upload<BFloat16>(brains);
                break;
            default:
                throw NotFloat(Type, nameof(Type));
        }
    }

    /// <summary>Sets every byte of the memory, after the work queued on <paramref name="stream"/>, or on all streams if it is
    /// null.</summary>
    public void Fill(byte value, DeviceStream? stream = null)
    {
        DeviceStream queue = Enter(stream);
        try
        {
            lock (queue.Gate) Device.Backend.Fill(queue.Backend, view.Buffer!, 0, Bytes, value);
        }
        finally
        {
            view.Buffer!.Release();
        }
    }

    /// <summary>The memory itself, on the CPU device. It is gone when the tensor is disposed or collected: keep the tensor.</summary>
    /// <exception cref="NotSupportedException">The memory has no address here, or is longer than a span.</exception>
    public unsafe Span<T> AsSpan<T>() where T : unmanaged
    {
        ElementTypes.Require<T>(Type);
        ObjectDisposedException.ThrowIf(view.Buffer!.IsDisposed, this);
        if (view.Buffer.Address == 0)
            throw new NotSupportedException(
                $"Memory of device {Device.Name} has no address on this machine; that of cpu has. Use Download.");
        RequireArray(view.Extent);
        return new Span<T>((void*)view.Buffer.Address, (int)view.Extent);
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose() => view.Buffer!.Dispose();

    /// <summary>"Float16 (2, 8, 512, 64) on cuda:0"</summary>
    public override string ToString() => $"{view} on {Device.Name}";

    /// <summary>Waits for the work before a copy and holds the memory until the caller releases it: it may be disposed meanwhile.</summary>
    private DeviceStream Enter(DeviceStream? stream)
    {
        ObjectDisposedException.ThrowIf(view.Buffer!.IsDisposed, this);
        DeviceStream queue = Device.Use(stream);
        if (stream is null) Device.Synchronize();
        view.Buffer.Hold();
        return queue;
    }

    internal static ArgumentException NotFloat(DType type, string parameter) => new(
        $"A {type} tensor has no floating-point elements.", parameter);

    private void RequireArray(long elements)
    {
        if (elements <= Array.MaxLength) return;
        throw new NotSupportedException(
            $"The tensor of shape {Sizes.Format(Shape)} takes {elements} elements; an array or a span has at most {Array.MaxLength}. "
            + "Allocate several tensors, split along an axis; on the CPU device, Wrap memory of your own and read that.");
    }

    private void RequireCopy<T>(int data) where T : unmanaged
    {
        ElementTypes.Require<T>(Type);
        if (!view.IsContiguous) throw new NotSupportedException($"Copies take dense tensors; this one is {view}.");
        if (data != Count)
            throw new ArgumentException($"The tensor of shape {Sizes.Format(Shape)} has {Count} elements, the host's memory {data}.",
            nameof(data));
    }
}
