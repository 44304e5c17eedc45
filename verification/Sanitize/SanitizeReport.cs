using AttnKernels.Simulation;

namespace AttnKernels.Verification;

/// <summary>What the simulator saw of one kernel over all its launches.</summary>
public sealed class KernelFindings
{
    private readonly Dictionary<string, string> findings = [];

    internal KernelFindings(string kernel, int sharedBytes) => (Kernel, SharedBytes) = (kernel, sharedBytes);

    /// <summary>The kernel with its types and tile.</summary>
    public string Kernel { get; }

    /// <summary>How often it was launched.</summary>
    public int Launches { get; private set; }

    /// <summary>Each distinct finding once, with the problem in which it was first seen.</summary>
    public IReadOnlyCollection<string> Findings => findings.Values;

    /// <summary>Bytes of device memory that lanes loaded and stored.</summary>
    public long GlobalBytes { get; private set; }

    /// <summary>32-byte sectors per warp-wide request to device memory.</summary>
    public double SectorsPerRequest => requests == 0 ? 0 : (double)sectors / requests;

    /// <summary>Sectors over those that the same bytes side by side would need: 1 is fully coalesced.</summary>
    public double SectorExcess => idealSectors == 0 ? 1 : (double)sectors / idealSectors;

    /// <summary>Passes over the banks of shared memory that conflicts add, per pass that is needed anyway.</summary>
    public double BankConflicts => wavefronts == conflicts ? 0 : (double)conflicts / (wavefronts - conflicts);

    /// <summary>Most barriers that a group passed.</summary>
    public long Barriers { get; private set; }

    /// <summary>Shared memory of a group: what the kernel's table says, or what a launch held if that is more.</summary>
    public int SharedBytes { get; private set; }

    private long requests;
    private long sectors;
    private long idealSectors;
    private long wavefronts;
    private long conflicts;

    internal void Add(LaunchReport report, string problem)
    {
        Launches++;
        foreach (Finding finding in report.Findings)
            findings.TryAdd($"{finding.Kind} {finding.Site}", $"{finding} [{problem}]");
        GlobalCounters global = report.Loads + report.Stores + report.Atomics;
        SharedCounters shared = report.Shared;
        GlobalBytes += global.Bytes;
        requests += global.Requests;
        sectors += global.Sectors;
        idealSectors += global.IdealSectors;
        wavefronts += shared.Wavefronts;
        conflicts += shared.ConflictWavefronts;
        Barriers = Math.Max(Barriers, report.BarriersPerGroup);
        SharedBytes = Math.Max(SharedBytes, report.SharedBytesPerGroup);
    }
}
