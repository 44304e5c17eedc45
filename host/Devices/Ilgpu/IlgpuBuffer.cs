using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Memory of an accelerator. If nobody disposes it, ILGPU's own finaliser frees it.</summary>
internal sealed class IlgpuBuffer(IlgpuDevice device, MemoryBuffer memory, long bytes) : DeviceBuffer(device, bytes)
{
    public MemoryBuffer Memory { get; } = memory;

    protected override void Free()
    {
        // A disposed accelerator has freed its memory, a lost one its context.
        if (device.IsDisposed || device.Faults.IsLost) return;
        lock (device.Gate) Memory.Dispose();
        device.Freed(Bytes);
    }
}
