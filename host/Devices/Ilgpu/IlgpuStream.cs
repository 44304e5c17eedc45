using ILGPU;
using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>An accelerator's stream that remembers what was launched last, to name it when the device faults.</summary>
internal sealed class IlgpuStream(IlgpuDevice device, AcceleratorStream stream, bool owned) : StreamBackend
{
    public AcceleratorStream Stream { get; } = stream;

    public string LastKernel { get; set; } = "(none)";

    public object LastProblem { get; set; } = "nothing was run";

    public override void Synchronize()
    {
        try
        {
            Stream.Synchronize();
        }
        catch (AcceleratorException e)
        {
            throw Fault(e);
        }
    }

    public DeviceFaultException Fault(Exception e) => new(device.Info.Name, LastKernel, LastProblem.ToString() ?? "", e);

    public override void Dispose()
    {
        if (!owned || device.IsDisposed) return;
        Stream.Synchronize();
        lock (device.Gate) Stream.Dispose();
    }
}
