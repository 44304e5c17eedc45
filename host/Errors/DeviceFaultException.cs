namespace AttnKernels;

/// <summary>
/// A kernel failed on a device: a launch that the driver refused, an illegal access, or a finding of the simulator. On a GPU the
/// fault may surface later than the launch; then the kernel is the last one launched, and the device must be opened anew.
/// </summary>
public sealed class DeviceFaultException : Exception
{
    /// <summary>Reports the fault.</summary>
    /// <param name="device">Name of the device.</param>
    /// <param name="kernel">Name of the kernel that was launched last.</param>
    /// <param name="problem">What it was to compute.</param>
    /// <param name="inner">What the device said.</param>
    public DeviceFaultException(string device, string kernel, string problem, Exception inner)
        : base($"Kernel {kernel} failed on device {device} ({problem}): {inner.Message}", inner) =>
        (Device, Kernel, Problem) = (device, kernel, problem);

    /// <summary>Name of the device.</summary>
    public string Device { get; }

    /// <summary>Name of the kernel.</summary>
    public string Kernel { get; }

    /// <summary>What it was to compute.</summary>
    public string Problem { get; }
}
