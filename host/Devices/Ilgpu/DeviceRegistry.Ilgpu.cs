namespace AttnKernels;

internal static partial class DeviceRegistry
{
    private static partial void AddKernelDevices(List<DeviceInfo> devices)
    {
    }

    private static partial DeviceBackend OpenKernelDevice(DeviceInfo info) => throw new NotSupportedException(info.Name);
}
