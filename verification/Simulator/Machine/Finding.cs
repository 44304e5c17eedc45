using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>What a kernel did wrong.</summary>
public enum FindingKind
{
    /// <summary>An index outside its view, or a sub-view that sticks out.</summary>
    OutOfBounds,

    /// <summary>An access to a disposed buffer.</summary>
    UseAfterFree,

    /// <summary>An access whose address is not a multiple of what its size needs, such as 16 bytes at an odd float.</summary>
    Misaligned,

    /// <summary>Two lanes touch the same bytes of shared memory, one writes, and no barrier lies between.</summary>
    SharedRace,

    /// <summary>Two lanes touch the same bytes of device memory, one writes, and nothing orders them.</summary>
    GlobalRace,

    /// <summary>A read of shared memory that no lane of the group has written.</summary>
    UninitialisedShared,

    /// <summary>An access to shared memory that an asynchronous copy is to fill and that its lane has not waited for.</summary>
    PendingCopy,

    /// <summary>Lanes that miss a barrier at which others wait, or wait at different ones.</summary>
    BarrierDivergence,

    /// <summary>A shuffle without some lanes of the warp, or from a lane that is not there.</summary>
    ShuffleMissingLanes,

    /// <summary>Lanes that disagree about the type or length of a shared array.</summary>
    SharedMismatch,

    /// <summary>More shared memory than a group has.</summary>
    TooMuchShared,

    /// <summary>A lane that accesses memory without end; it was ended.</summary>
    Endless,

    /// <summary>An exception in a lane: a null view, a division by zero.</summary>
    LaneException,
}

/// <summary>One thing a kernel did wrong: the first time it happened, and how often.</summary>
/// <param name="Kind">What.</param>
/// <param name="Kernel">Name of the kernel with its type arguments.</param>
/// <param name="Array">Name of the buffer, or <c>shared#n Type[length]</c> by order of allocation; empty if no array is involved.</param>
/// <param name="Index">Element of the array, in elements of the access; -1 where no array is involved.</param>
/// <param name="Lane">Number of the lane in its group.</param>
/// <param name="OtherLane">The other lane, or -1.</param>
/// <param name="Group">The group in the grid.</param>
/// <param name="Site">File and line, <c>File.cs:12</c>.</param>
/// <param name="Message">All of it as one sentence.</param>
/// <param name="Occurrences">How often it happened at this line and on this array.</param>
public sealed record Finding(
    FindingKind Kind,
    string Kernel,
    string Array,
    long Index,
    int Lane,
    int OtherLane,
    Index3D Group,
    string Site,
    string Message,
    long Occurrences)
{
    /// <summary>Kernel, place and message on one line.</summary>
    public override string ToString() => $"{Kind} in {Kernel} at {Site}: {Message} ({Occurrences} times)";
}

/// <summary>A launch had findings and the device was told to throw.</summary>
public sealed class SimulationException : Exception
{
    /// <summary>Wraps a report.</summary>
    public SimulationException(LaunchReport report)
        : base(string.Join(Environment.NewLine, report.Findings))
    {
        Report = report;
    }

    /// <summary>The launch's report.</summary>
    public LaunchReport Report { get; }
}
