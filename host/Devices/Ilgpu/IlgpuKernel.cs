using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A kernel on an accelerator. Holding the launcher keeps ILGPU from compiling it again.</summary>
internal sealed class IlgpuKernel<TArgs>(
    IlgpuDevice device, KernelEntry<TArgs> entry, Action<AcceleratorStream, KernelConfig, TArgs> launcher) : LoadedKernel<TArgs>
    where TArgs : struct
{
    public override void Launch(DeviceStream stream, int groups, in TArgs args)
    {
        IlgpuStream queue = (IlgpuStream)stream.Backend;
        queue.Launching(entry.Name, stream.Problem);
        try
        {
            lock (device.Gate) launcher(queue.Stream, new KernelConfig(groups, entry.GroupSize), args);
        }
        catch (AcceleratorException e)
        {
            throw queue.Fault(e);
        }
    }
}
