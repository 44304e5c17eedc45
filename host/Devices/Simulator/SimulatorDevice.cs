using AttnKernels.Devices.Cpu;
using AttnKernels.Kernels;
using AttnKernels.Simulation;
using ILGPU;

namespace AttnKernels.Devices.Simulator;

/// <summary>The simulator: runs every lane of a kernel, checks it, and counts what it does.</summary>
internal sealed class SimulatorDevice : KernelDevice
{
    private readonly SimulatorBuffer nothing;

    public SimulatorDevice(SimulatorOptions options) : base(Describe(options))
    {
        Machine = new SimulatedDevice(options);
        nothing = new SimulatorBuffer(this, Machine.Allocate(256, "absent tensor"), 256);
    }

    public SimulatedDevice Machine { get; }

    /// <summary>
    /// Receives the report of every launch, the kernel, and the problem that it was to compute. While it is set, findings do not make a
    /// launch throw.
    /// </summary>
    public Action<LaunchReport, KernelEntry, object>? OnLaunch { get; set; }

    public override StreamBackend DefaultStream { get; } = new CpuStream();

    public static DeviceInfo Describe(SimulatorOptions options) =>
        new("simulator", "runs and checks every lane of a kernel", DeviceKind.Simulator)
        {
            MemoryBytes = CpuMemory.Total,
            MaxThreadsPerGroup = options.MaxThreadsPerGroup,
            SharedMemoryPerGroup = options.SharedMemoryPerGroup,
            SharedMemoryPerMultiprocessor = options.SharedMemoryPerGroup,
            CacheBytes = 16 << 10, // as small as the problems that it runs
            WarpSize = options.WarpSize,
            ChecksOnly = true,
        };

    public override bool HasTensorCores => Machine.Options.TensorCores && Info.WarpSize == 32;

    public override DeviceBuffer AllocateScratch(long bytes)
    {
        long padded = Padded(bytes);
        CpuMemory.RequireFree(Info.Name, padded);
        return new SimulatorBuffer(this, Machine.Allocate(padded, "tensor"), bytes);
    }

    public override StreamBackend CreateStream() => new CpuStream();

    public override void Synchronize()
    {
    }

    public override ArrayView<T> View<T>(DeviceBuffer? buffer) => ((SimulatorBuffer?)buffer ?? nothing).Memory.View<T>();

    /// <summary>Hands a report on, or throws if it has findings and nobody listens.</summary>
    public void Report(LaunchReport report, KernelEntry entry, object problem)
    {
        if (OnLaunch is { } listener) listener(report, entry, problem);
        else if (!report.IsClean)
            throw new DeviceFaultException(Info.Name, entry.Name, problem.ToString() ?? "", new SimulationException(report));
    }

    protected override LoadedKernel<TArgs> Compile<TArgs>(KernelEntry<TArgs> entry) => new SimulatorKernel<TArgs>(this, entry);

    protected override void DisposeDevice() => Machine.Dispose();
}
