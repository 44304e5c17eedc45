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
        first = device.AllocateScratch(bytes);
    }

    /// <summary>Size of each block.</summary>
    public long Bytes { get; }

    /// <summary>The stream's block; its first use takes that of a disposed stream, or allocates, while other streams find theirs.</summary>
    public DeviceBuffer For(DeviceStream stream)
    {
        lock (buffers)
        {
            if (Find(stream, null) is { } there) return there;
        }
        DeviceBuffer more = device.AllocateScratch(Bytes);
        DeviceBuffer buffer;
        lock (buffers) buffer = Find(stream, more)!;
        if (buffer != more) more.Dispose();
        return buffer;
    }

    private DeviceBuffer? Find(DeviceStream stream, DeviceBuffer? more)
    {
        if (buffers.TryGetValue(stream, out DeviceBuffer? buffer)) return buffer;
        buffer = first ?? FromDisposed() ?? more;
        if (buffer is null) return null;
        first = null;
        buffer.UsedAs("workspace");
        buffers.Add(stream, buffer);
        return buffer;
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
