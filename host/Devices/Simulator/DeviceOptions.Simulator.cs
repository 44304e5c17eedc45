using AttnKernels.Simulation;

namespace AttnKernels;

public sealed partial record DeviceOptions
{
    /// <summary>What the simulator checks and counts.</summary>
    internal SimulatorOptions Simulator { get; init; } = new();
}
