using AttnKernels.Kernels;
using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Devices.Simulator;

/// <summary>A kernel on the simulator, which runs its IL as it is.</summary>
internal sealed class SimulatorKernel<TArgs>(SimulatorDevice device, KernelEntry<TArgs> entry) : LoadedKernel<TArgs>
    where TArgs : struct
{
    public override void Launch(DeviceStream stream, int groups, in TArgs args)
    {
        LaunchReport report;
        Index3D grid = new(groups, 1, 1);
        Index3D group = new(entry.GroupSize, 1, 1);
        lock (device.Gate) report = device.Machine.Launch(entry.Kernel, args, grid, group);
        device.Report(report, entry, stream.Problem);
    }
}
