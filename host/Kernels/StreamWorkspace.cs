namespace AttnKernels.Kernels;

/// <summary>Device memory of a plan, one block for each stream that it runs on, since runs on different streams may overlap.</summary>
internal sealed class StreamWorkspace : IDisposable
{
    private readonly DeviceBackend device;
    private readonly Dictionary<DeviceStream, DeviceBuffer> buffers = [];
    private DeviceBuffer? first;
    private bool disposed;

    /// <exception cref="DeviceMemoryException">There is too little memory for one stream.</exception>
    public StreamWorkspace(DeviceBackend device, long bytes)
    {
        (this.device, Bytes) = (device, bytes);
        first = device.AllocateScratch(bytes);
    }

    /// <summary>Size of each block.</summary>
    public long Bytes { get; }

    /// <summary>The stream's block; its first use takes that of a disposed stream, or allocates, while other streams find theirs.</summary>
    /// <exception cref="ObjectDisposedException">The plan has been disposed.</exception>
    public DeviceBuffer For(DeviceStream stream)
    {
        lock (buffers)
        {
            if (Find(stream, null) is { } there) return there;
        }
        DeviceBuffer more = device.AllocateScratch(Bytes);
        DeviceBuffer? buffer = null;
        try
        {
            lock (buffers) buffer = Find(stream, more);
            return buffer!;
        }
        finally
        {
            if (buffer != more) more.Dispose();
        }
    }

    private DeviceBuffer? Find(DeviceStream stream, DeviceBuffer? more)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
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
            disposed = true;
            first?.Dispose();
            foreach (DeviceBuffer buffer in buffers.Values) buffer.Dispose();
            buffers.Clear();
        }
    }
}
