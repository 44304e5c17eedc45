using AttnKernels.Devices.Simulator;
using AttnKernels.Simulation;

namespace AttnKernels;

internal static partial class DeviceRegistry
{
    private static partial void AddKernelDevices(List<DeviceInfo> devices) => devices.Add(SimulatorDevice.Describe(new SimulatorOptions()));

    private static partial DeviceBackend OpenKernelDevice(DeviceInfo info, DeviceOptions options) => new SimulatorDevice(options.Simulator);
}
