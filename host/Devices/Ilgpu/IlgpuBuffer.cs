using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Memory of an accelerator. If nobody disposes it, ILGPU's own finaliser frees it.</summary>
internal sealed class IlgpuBuffer(IlgpuDevice device, MemoryBuffer memory, long bytes) : DeviceBuffer(device, bytes)
{
    public MemoryBuffer Memory { get; } = memory;

    protected override void Free()
    {
        if (device.IsDisposed) return; // with its memory
        try
        {
            // Not under the gate: cuMemFree waits for all that is queued on the device.
            Memory.Dispose();
        }
        catch (AcceleratorException) when (device.IsDisposed || device.Faults.IsLost)
        {
            // It went with the accelerator meanwhile, or goes with its lost context.
        }
        device.Freed(Bytes);
    }
}
