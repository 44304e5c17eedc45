using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A stream that remembers what was launched last, to name it when the device faults.</summary>
internal abstract class LaunchStream(DeviceFaults faults) : StreamBackend
{
    private string? kernel;
    private object? problem;

    /// <summary>What the CUDA driver knows the stream by.</summary>
    public abstract nint Handle { get; }

    /// <summary>Before each launch.</summary>
    /// <exception cref="DeviceFaultException">An earlier fault ended the device.</exception>
    public void Launching(string name, object computed)
    {
        faults.Launching(name, computed);
        (kernel, problem) = (name, computed);
    }

    /// <summary>Calls the accelerator, unless the device is lost; its errors become faults of the last kernel.</summary>
    public void Call(Action work)
    {
        faults.ThrowIfLost();
        try
        {
            work();
        }
        catch (AcceleratorException e)
        {
            throw Fault(e);
        }
    }

    public DeviceFaultException Fault(Exception e) => faults.Report(kernel, problem, e, FaultKinds.EndsDevice(e));
}
