namespace AttnKernels;

/// <summary>
/// A kernel failed on a device: a launch that the driver refused, an illegal access, a lost device, or a finding of the simulator. On a GPU
/// the fault may surface later than the launch, in any call that waits; then the kernel is the last one launched on that stream.
/// </summary>
public sealed class DeviceFaultException : Exception
{
    /// <summary>Reports the fault.</summary>
    /// <param name="device">Name of the device.</param>
    /// <param name="kernel">Name of the kernel that was launched last.</param>
    /// <param name="problem">What it was to compute.</param>
    /// <param name="inner">What the device said.</param>
    /// <param name="isDeviceLost">Whether the device refuses all further work.</param>
    public DeviceFaultException(string device, string kernel, string problem, Exception inner, bool isDeviceLost = false)
        : base(
            $"Kernel {kernel} failed on device {device} ({problem}): {inner.Message}{(isDeviceLost ? $" {OpenAnew(device)}" : "")}",
            inner) =>
        (Device, Kernel, Problem, IsDeviceLost) = (device, kernel, problem, isDeviceLost);

    private DeviceFaultException(DeviceFaultException first)
        : base($"{OpenAnew(first.Device)} Kernel {first.Kernel} failed on it ({first.Problem}).", first) =>
        (Device, Kernel, Problem, IsDeviceLost) = (first.Device, first.Kernel, first.Problem, true);

    /// <summary>Name of the device.</summary>
    public string Device { get; }

    /// <summary>Name of the kernel.</summary>
    public string Kernel { get; }

    /// <summary>What it was to compute.</summary>
    public string Problem { get; }

    /// <summary>
    /// Whether the device refuses all further work and its tensors are gone: dispose it and open it anew. Other devices are not affected.
    /// After some faults a CUDA driver refuses new contexts, too; then only a new process can use that GPU.
    /// </summary>
    public bool IsDeviceLost { get; }

    /// <summary>What every call on a lost device throws.</summary>
    internal static DeviceFaultException After(DeviceFaultException first) => new(first);

    private static string OpenAnew(string device) => $"Device {device} must be disposed and opened anew.";
}
