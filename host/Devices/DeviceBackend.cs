using System.Runtime.InteropServices;
using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// What an <see cref="AttentionDevice"/> needs from the machinery of one device. Thread-safe. Copies are those of a device whose work is
/// over when a call returns, and whose memory this machine can address.
/// </summary>
internal abstract unsafe class DeviceBackend(DeviceInfo info) : IDisposable
{
    public DeviceInfo Info { get; } = info;

    public bool IsDisposed { get; private set; }

    /// <summary>Whether the runtime compiles kernels when they are first called, and not when a plan is made.</summary>
    public virtual bool CompilesOnFirstRun => false;

    /// <summary>Makes the device-specific halves of the plans.</summary>
    public abstract IPlanFactory Plans { get; }

    /// <summary>Memory of at least <paramref name="bytes"/> bytes, zeroed.</summary>
    /// <exception cref="DeviceMemoryException">There is too little.</exception>
    public abstract DeviceBuffer Allocate(long bytes);

    /// <summary>Memory that kernels write before they read it: what it holds is undefined.</summary>
    /// <exception cref="DeviceMemoryException">There is too little.</exception>
    public virtual DeviceBuffer AllocateScratch(long bytes) => Allocate(bytes);

    /// <summary>A tensor's memory that the caller owns.</summary>
    /// <exception cref="NotSupportedException">The device cannot use memory that it did not allocate.</exception>
    public abstract DeviceBuffer Wrap(nint address, long bytes, IDisposable? owner);

    /// <summary>The stream that calls without a stream use.</summary>
    public abstract StreamBackend DefaultStream { get; }

    public abstract StreamBackend CreateStream();

    /// <summary>Waits for everything on all streams.</summary>
    public abstract void Synchronize();

    /// <summary>Copies after the work queued on <paramref name="stream"/>; <paramref name="source"/> may be reused on return.</summary>
    public virtual void Upload(StreamBackend stream, ReadOnlySpan<byte> source, DeviceBuffer target, long targetByte) =>
        source.CopyTo(new Span<byte>((byte*)target.Address + targetByte, source.Length));

    /// <summary>Copies after the work queued on <paramref name="stream"/> and waits for it.</summary>
    public virtual void Download(StreamBackend stream, DeviceBuffer source, long sourceByte, Span<byte> target) =>
        new ReadOnlySpan<byte>((byte*)source.Address + sourceByte, target.Length).CopyTo(target);

    /// <summary>Sets bytes after the work queued on <paramref name="stream"/>.</summary>
    public virtual void Fill(StreamBackend stream, DeviceBuffer target, long targetByte, long bytes, byte value) =>
        NativeMemory.Fill((byte*)target.Address + targetByte, (nuint)bytes, value);

    public void Dispose()
    {
        if (IsDisposed) return;
        IsDisposed = true;
        DisposeDevice();
        GC.SuppressFinalize(this);
    }

    protected abstract void DisposeDevice();
}
