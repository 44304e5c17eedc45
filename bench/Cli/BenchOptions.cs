namespace AttnKernels.Bench.Cli;

/// <summary>What one invocation is to do.</summary>
public sealed record BenchOptions
{
    /// <summary>All workloads, all types and more rounds, instead of what fits in a few minutes.</summary>
    public bool Full { get; init; }

    /// <summary>Names of devices; empty = every GPU and the CPU.</summary>
    public IReadOnlyList<string> Devices { get; init; } = [];

    /// <summary>Patterns with * and ?; empty = the workloads of the mode.</summary>
    public IReadOnlyList<string> Workloads { get; init; } = [];

    /// <summary>Storage types; empty = those of the mode.</summary>
    public IReadOnlyList<DType> Types { get; init; } = [];

    /// <summary>Threads of the CPU device and its peers.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Names of peers to compare with; null = those that are present.</summary>
    public IReadOnlyList<string>? Peers { get; init; }

    /// <summary>An additional file for the records of all devices.</summary>
    public string? JsonFile { get; init; }

    /// <summary>Where the report goes; null = bench/results for a whole run, artifacts/bench for a part.</summary>
    public string? OutFolder { get; init; }

    /// <summary>Only say what exists.</summary>
    public bool List { get; init; }

    /// <summary>Measure host-side times with BenchmarkDotNet instead.</summary>
    public bool Host { get; init; }

    /// <summary>Measure how the forms of attention grow with the keys, and packed batches beside padded ones, instead.</summary>
    public bool Forms { get; init; }

    /// <summary>Only refresh the table of README.md from bench/results.</summary>
    public bool UpdateReadme { get; init; }

    /// <summary>Only print what queueing a run costs the host.</summary>
    public bool QueueTime { get; init; }

    /// <summary>In a process of its own: time the first call and print it.</summary>
    public bool FirstCall { get; init; }

    /// <summary>Whether every workload, type and peer that the mode offers takes part.</summary>
    public bool IsWhole(int allThreads) =>
        Devices.Count == 0 && Workloads.Count == 0 && Types.Count == 0 && Threads == allThreads && Peers is null or ["all"];
}
