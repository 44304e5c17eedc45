using AttnKernels.Devices.Cpu;

namespace AttnKernels;

/// <summary>Which devices there are. The kernel API of this build adds its own.</summary>
internal static partial class DeviceRegistry
{
    public static IReadOnlyList<DeviceInfo> List()
    {
        List<DeviceInfo> devices = [CpuDevice.Describe(new DeviceOptions())];
        AddKernelDevices(devices);
        return devices;
    }

    public static DeviceBackend Open(string? name, DeviceOptions options)
    {
        if (name == "cpu") return new CpuDevice(options);
        IReadOnlyList<DeviceInfo> devices = List();
        DeviceInfo info = name is null ? Best(devices) : Find(devices, name);
        return info.Kind == DeviceKind.Cpu ? new CpuDevice(options) : OpenKernelDevice(info, options);
    }

    private static partial void AddKernelDevices(List<DeviceInfo> devices);

    private static partial DeviceBackend OpenKernelDevice(DeviceInfo info, DeviceOptions options);

    private static DeviceInfo Best(IReadOnlyList<DeviceInfo> devices) =>
        devices.FirstOrDefault(d => d.Kind == DeviceKind.Cuda)
        ?? devices.FirstOrDefault(d => d.Kind == DeviceKind.OpenCl && d.IsGpu)
        ?? devices[0];

    private static DeviceInfo Find(IReadOnlyList<DeviceInfo> devices, string name)
    {
        foreach (DeviceInfo device in devices)
        {
            if (device.Name == name) return device;
        }
        string present = string.Join(", ", devices.Select(d => d.Name));
        throw new ArgumentException(
            $"There is no device \"{name}\". Present: {present}. This build has the kernel API {KernelApi.Name}: {KernelApi.Reach}.",
            nameof(name));
    }
}
