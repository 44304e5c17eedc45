namespace AttnKernels.Kernels;

/// <summary>Device memory of a plan, one block for each stream that it runs on, since runs on different streams may overlap.</summary>
internal sealed class StreamWorkspace : IDisposable
{
    private readonly DeviceBackend device;
    private readonly Dictionary<DeviceStream, DeviceBuffer> buffers = [];
    private DeviceBuffer? first;

    /// <exception cref="DeviceMemoryException">There is too little memory for one stream.</exception>
    public StreamWorkspace(DeviceBackend device, long bytes)
    {
        (this.device, Bytes) = (device, bytes);
        first = device.Allocate(bytes);
    }

    /// <summary>Size of each block.</summary>
    public long Bytes { get; }

    /// <summary>The stream's block; its first use takes that of a disposed stream, or allocates.</summary>
    public DeviceBuffer For(DeviceStream stream)
    {
        lock (buffers)
        {
            if (buffers.TryGetValue(stream, out DeviceBuffer? buffer)) return buffer;
            buffer = first ?? FromDisposed() ?? device.Allocate(Bytes);
            first = null;
            buffer.UsedAs("workspace");
            buffers.Add(stream, buffer);
            return buffer;
        }
    }

    /// <summary>A stream that has been disposed has run to its end.</summary>
    private DeviceBuffer? FromDisposed()
    {
        foreach ((DeviceStream stream, DeviceBuffer buffer) in buffers)
        {
            if (!stream.IsDisposed) continue;
            buffers.Remove(stream);
            return buffer;
        }
        return null;
    }

    public void Dispose()
    {
        lock (buffers)
        {
            first?.Dispose();
            foreach (DeviceBuffer buffer in buffers.Values) buffer.Dispose();
            buffers.Clear();
        }
    }
}
