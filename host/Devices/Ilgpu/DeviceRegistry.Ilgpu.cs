using AttnKernels.Devices.Ilgpu;
using ILGPU;

namespace AttnKernels;

internal static partial class DeviceRegistry
{
    private static readonly Lazy<IReadOnlyList<DeviceInfo>> Accelerators = new(() =>
    {
        using Context context = IlgpuContext.Create();
        return [.. IlgpuContext.Devices(context).Select(d => d.Info)];
    });

    private static partial void AddKernelDevices(List<DeviceInfo> devices) => devices.AddRange(Accelerators.Value);

    private static partial DeviceBackend OpenKernelDevice(DeviceInfo info, DeviceOptions options) => IlgpuDevice.Open(info.Name, options);
}
