namespace AttnKernels.Simulation;

/// <summary>What the simulated machine is like and how much of it is checked.</summary>
public sealed record SimulatorOptions
{
    /// <summary>What every device has: no matrix instructions, 48 KB of shared memory. The default is a large GPU of today.</summary>
    public static SimulatorOptions Smallest { get; } = new() { TensorCores = false, SharedMemoryPerGroup = 48 * 1024 };

    /// <summary>Lanes of a warp: a power of two, at most 64.</summary>
    public int WarpSize { get; init; } = 32;

    /// <summary>Most lanes of a group, at most 1024; a larger launch is refused.</summary>
    public int MaxThreadsPerGroup { get; init; } = 1024;

    /// <summary>False: a device without matrix instructions, on which plans choose the portable kernels.</summary>
    public bool TensorCores { get; init; } = true;

    /// <summary>Shared memory of a group in bytes; a kernel that allocates more gets a finding.</summary>
    public int SharedMemoryPerGroup { get; init; } = 227 * 1024;

    /// <summary>
    /// Checks every access for bounds, lifetime, alignment, races and uninitialised reads. Without it, views are pointers with a
    /// length: an index out of bounds still stops the lane with a finding, nothing else is looked for.
    /// </summary>
    public bool Check { get; init; } = true;

    /// <summary>Counts requests, bytes, sectors and bank conflicts. Needs <see cref="Check"/>.</summary>
    public bool Count { get; init; } = true;

    /// <summary>
    /// Looks for races between groups and, inside a group, between barriers, on device memory. Needs <see cref="Check"/>.
    /// </summary>
    public bool CheckGlobalRaces { get; init; } = true;

    /// <summary>
    /// Accesses after which a lane that has not ended or stopped for others is ended with a finding; rounded up to the 65,536 of the
    /// access log. Needs <see cref="Check"/>.
    /// </summary>
    public long MaxAccessesBetweenStops { get; init; } = 1L << 28;

    /// <summary>Makes a launch with findings throw <see cref="SimulationException"/>.</summary>
    public bool ThrowOnFinding { get; init; }

    /// <summary>Most findings of a report; equal ones (same kind, array and source line) are one.</summary>
    public int MaxFindings { get; init; } = 100;
}
