using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using AttnKernels.Plans;
using AttnKernels.Plans.Cpu;
using AttnKernels.Simd;

namespace AttnKernels.Devices.Cpu;

/// <summary>This machine's processor, through the kernels of kernels/Simd.</summary>
internal sealed class CpuDevice : DeviceBackend
{
    private readonly SimdWorkers workers;

    public CpuDevice(DeviceOptions options) : base(Describe(options))
    {
        workers = new SimdWorkers(Info.ComputeUnits);
        Plans = new CpuPlans(workers);
    }

    public override bool CompilesOnFirstRun => true;

    public override IPlanFactory Plans { get; }

    public override StreamBackend DefaultStream { get; } = new CpuStream();

    /// <summary>The facts about this processor, with the threads that <paramref name="options"/> ask for.</summary>
    public static DeviceInfo Describe(DeviceOptions options)
    {
        int most = Math.Max(DeviceOptions.MaxThreads, Environment.ProcessorCount);
        if (options.Threads < 0 || options.Threads > most)
        {
            throw new ArgumentOutOfRangeException(
                nameof(options), options.Threads,
                $"Threads must be between 0 (one per logical processor that this process may use) and {most}, is {options.Threads}.");
        }
        return new DeviceInfo("cpu", CpuName(), DeviceKind.Cpu)
        {
            MemoryBytes = CpuMemory.Total,
            ComputeUnits = options.Threads == 0 ? Environment.ProcessorCount : options.Threads,
            Architecture = $"{RuntimeInformation.ProcessArchitecture}, {VectorBits()}-bit vectors",
        };
    }

    public override DeviceBuffer Allocate(long bytes) => CpuBuffer.Allocate(this, bytes);

    public override DeviceBuffer Wrap(nint address, long bytes, IDisposable? owner) => CpuBuffer.Wrap(this, address, bytes, owner);

    public override StreamBackend CreateStream() => new CpuStream();

    public override void Synchronize()
    {
    }

    protected override void DisposeDevice() => workers.Dispose();

    private static int VectorBits() =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 32;

    private static string CpuName()
    {
        const string Path = "/proc/cpuinfo";
        if (OperatingSystem.IsLinux() && File.Exists(Path))
        {
            foreach (string line in File.ReadLines(Path))
            {
                if (line.StartsWith("model name", StringComparison.Ordinal)) return line[(line.IndexOf(':') + 1)..].Trim();
            }
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? $"{RuntimeInformation.ProcessArchitecture} processor";
    }
}
