namespace AttnKernels.Bench.Measure;

/// <summary>How long to measure.</summary>
/// <param name="Rounds">Times that every implementation has its turn on a workload.</param>
/// <param name="VisitMs">What an implementation may spend on one turn, in milliseconds, apart from one sample that it always has.</param>
/// <param name="LongestSeconds">A peer that needs more for one run is left out.</param>
public sealed record RunSettings(int Rounds, double VisitMs, double LongestSeconds)
{
    /// <summary>All workloads within a few minutes.</summary>
    public static RunSettings Quick { get; } = new(5, 40, 0.6);

    /// <summary>More rounds and the slow peers too.</summary>
    public static RunSettings Full { get; } = new(9, 100, 10);
}
