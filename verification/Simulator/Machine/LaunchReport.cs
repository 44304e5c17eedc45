using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>Accesses to device memory, as warps make them: the k-th access of the lanes at one source line is one request.</summary>
/// <param name="Requests">Warp-wide requests.</param>
/// <param name="Bytes">Bytes that the lanes asked for.</param>
/// <param name="Sectors">32-byte sectors that the requests touch.</param>
/// <param name="IdealSectors">Sectors that the same distinct bytes fill when they lie side by side.</param>
public readonly record struct GlobalCounters(long Requests, long Bytes, long Sectors, long IdealSectors)
{
    /// <summary>Sectors over ideal sectors: 1 is fully coalesced, 8 is one float a sector.</summary>
    public double Excess => IdealSectors == 0 ? 1 : (double)Sectors / IdealSectors;

    /// <summary>Sum.</summary>
    public static GlobalCounters operator +(GlobalCounters a, GlobalCounters b) =>
        new(a.Requests + b.Requests, a.Bytes + b.Bytes, a.Sectors + b.Sectors, a.IdealSectors + b.IdealSectors);
}

/// <summary>Accesses to shared memory over 32 banks of 4 bytes; 8-byte accesses go by half warps, 16-byte accesses by quarters.</summary>
/// <param name="Requests">Warp-wide requests.</param>
/// <param name="Bytes">Bytes that the lanes asked for.</param>
/// <param name="Wavefronts">Passes over the banks that the requests need.</param>
/// <param name="ConflictWavefronts">Those of them that bank conflicts add.</param>
public readonly record struct SharedCounters(long Requests, long Bytes, long Wavefronts, long ConflictWavefronts)
{
    /// <summary>Sum.</summary>
    public static SharedCounters operator +(SharedCounters a, SharedCounters b) =>
        new(a.Requests + b.Requests, a.Bytes + b.Bytes, a.Wavefronts + b.Wavefronts, a.ConflictWavefronts + b.ConflictWavefronts);
}

/// <summary>The counters of one source line.</summary>
/// <param name="Site">File and line.</param>
/// <param name="Loads">Loads of device memory.</param>
/// <param name="Stores">Stores to device memory: accesses that changed what was there.</param>
/// <param name="Atomics">Atomic operations on device memory.</param>
/// <param name="Shared">Accesses to shared memory, loads, stores and atomics.</param>
public sealed record SiteCounters(string Site, GlobalCounters Loads, GlobalCounters Stores, GlobalCounters Atomics, SharedCounters Shared);

/// <summary>What a launch did: findings first, then counters.</summary>
public sealed record LaunchReport
{
    /// <summary>Name of the kernel with its type arguments.</summary>
    public required string Kernel { get; init; }

    /// <summary>Groups of the grid.</summary>
    public required Index3D Grid { get; init; }

    /// <summary>Lanes of a group.</summary>
    public required Index3D Group { get; init; }

    /// <summary>Findings, ordered by the group in which each was first seen; at most <see cref="SimulatorOptions.MaxFindings"/>.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>Distinct findings, also those past the limit.</summary>
    public required int DistinctFindings { get; init; }

    /// <summary>Counters of each source line that touched memory; empty without <see cref="SimulatorOptions.Count"/>.</summary>
    public required IReadOnlyList<SiteCounters> Sites { get; init; }

    /// <summary>Most group barriers that a group passed.</summary>
    public required long BarriersPerGroup { get; init; }

    /// <summary>Warp-wide shuffles and warp barriers of all groups.</summary>
    public required long WarpCollectives { get; init; }

    /// <summary>Most shared memory that a group held, static and dynamic, in bytes.</summary>
    public required int SharedBytesPerGroup { get; init; }

    /// <summary>
    /// Accesses that were checked but not counted, because one lane made more than the log holds between two barriers.
    /// </summary>
    public required long UncountedAccesses { get; init; }

    /// <summary>Groups that ran.</summary>
    public long Groups => Grid.LongSize;

    /// <summary>Lanes that ran.</summary>
    public long Lanes => Groups * Group.Size;

    /// <summary>True without findings.</summary>
    public bool IsClean => DistinctFindings == 0;

    /// <summary>Loads of device memory.</summary>
    public GlobalCounters Loads => Sites.Aggregate(default(GlobalCounters), (sum, site) => sum + site.Loads);

    /// <summary>Stores to device memory.</summary>
    public GlobalCounters Stores => Sites.Aggregate(default(GlobalCounters), (sum, site) => sum + site.Stores);

    /// <summary>Atomic operations on device memory.</summary>
    public GlobalCounters Atomics => Sites.Aggregate(default(GlobalCounters), (sum, site) => sum + site.Atomics);

    /// <summary>Accesses to shared memory.</summary>
    public SharedCounters Shared => Sites.Aggregate(default(SharedCounters), (sum, site) => sum + site.Shared);
}
