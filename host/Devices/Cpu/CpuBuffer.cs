using System.Runtime.InteropServices;
using AttnKernels.Simd;

namespace AttnKernels.Devices.Cpu;

/// <summary>Memory of this process: its own, or the caller's.</summary>
internal sealed unsafe class CpuBuffer : DeviceBuffer
{
    /// <summary>A cache line, and the widest vector.</summary>
    public const int Alignment = AlignedMemory.Alignment;

    private readonly nint address;
    private readonly bool owned;
    private readonly IDisposable? owner;

    private CpuBuffer(DeviceBackend backend, nint address, long bytes, bool owned, IDisposable? owner) : base(backend, bytes) =>
        (this.address, this.owned, this.owner) = (address, owned, owner);

    public override nint Address => address;

    /// <summary>Zeroed memory aligned to <see cref="Alignment"/>.</summary>
    public static CpuBuffer Allocate(DeviceBackend backend, long bytes)
    {
        CpuMemory.RequireFree(backend.Info.Name, bytes);
        void* memory;
        try
        {
            memory = AlignedMemory.Allocate(bytes);
        }
        catch (OutOfMemoryException e)
        {
            throw new DeviceMemoryException(backend.Info.Name, bytes, CpuMemory.Free(), e);
        }
        NativeMemory.Clear(memory, (nuint)bytes);
        GC.AddMemoryPressure(bytes);
        return new CpuBuffer(backend, (nint)memory, bytes, owned: true, owner: null);
    }

    /// <summary>The caller's memory; <paramref name="owner"/> is disposed when the buffer is done with it.</summary>
    public static CpuBuffer Wrap(DeviceBackend backend, nint address, long bytes, IDisposable? owner) =>
        new(backend, address, bytes, owned: false, owner);

    ~CpuBuffer() => FreeOnce();

    protected override void Free()
    {
        owner?.Dispose();
        if (!owned) return;
        AlignedMemory.Free((void*)address);
        GC.RemoveMemoryPressure(Bytes);
    }
}
