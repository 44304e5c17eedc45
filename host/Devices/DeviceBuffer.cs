namespace AttnKernels;

/// <summary>
/// Memory on a device. A run that uses it holds a reference until its launches are queued (on the CPU device: until it is over), so
/// that disposing its tensor meanwhile frees it only then. What is queued is safe, too: cuMemFree and clReleaseMemObject free memory once
/// no kernel uses it any more.
/// </summary>
internal abstract class DeviceBuffer(DeviceBackend backend, long bytes) : IDisposable
{
    private const int Disposed = 1 << 30;

    // Number of holders, plus Disposed once the owner has let go.
    private int state;

    public DeviceBackend Backend { get; } = backend;

    public long Bytes { get; } = bytes;

    public bool IsDisposed => (Volatile.Read(ref state) & Disposed) != 0 || Backend.IsDisposed;

    /// <summary>Address on this machine of the first byte, or 0 where the memory has none.</summary>
    public virtual nint Address => 0;

    /// <summary>Tells the part that the memory plays in a run, for a device that names memory in its messages.</summary>
    public virtual void UsedAs(string role)
    {
    }

    /// <summary>Keeps the memory until <see cref="Release"/>.</summary>
    /// <exception cref="ObjectDisposedException">The tensor has been disposed.</exception>
    public void Hold()
    {
        if ((Interlocked.Increment(ref state) & Disposed) == 0) return;
        Release();
        throw new ObjectDisposedException(nameof(DeviceTensor), "The tensor has been disposed.");
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref state) == Disposed) FreeOnce();
    }

    public void Dispose()
    {
        int before = Interlocked.Or(ref state, Disposed);
        if (before == 0) FreeOnce();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory. Called once.</summary>
    protected abstract void Free();

    private int freed;

    /// <summary>Also for the finaliser of memory that nothing else would free.</summary>
    protected void FreeOnce()
    {
        if (Interlocked.Exchange(ref freed, 1) == 0) Free();
    }
}
