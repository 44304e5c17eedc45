using AttnKernels.Simulation;

namespace AttnKernels.Devices.Simulator;

/// <summary>Memory of the simulator, which this machine can read. Findings name it by the part it plays in a run.</summary>
internal sealed unsafe class SimulatorBuffer(SimulatorDevice device, SimulatedBuffer memory, long bytes) : DeviceBuffer(device, bytes)
{
    public SimulatedBuffer Memory { get; } = memory;

    public override nint Address => (nint)Memory.Pointer;

    public override void UsedAs(string role) => Memory.Name = role;

    ~SimulatorBuffer() => FreeOnce();

    protected override void Free()
    {
        if (!device.IsDisposed) Memory.Dispose();
    }
}
