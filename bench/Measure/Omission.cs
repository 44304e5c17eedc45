namespace AttnKernels.Bench.Measure;

/// <summary>Why an implementation has no time on a workload.</summary>
/// <param name="Workload">The workload's name.</param>
/// <param name="Implementation">Who.</param>
/// <param name="Reason">In a few words.</param>
/// <param name="IsFailure">Whether the result was wrong or the call threw, as opposed to not being supported.</param>
public sealed record Omission(string Workload, string Implementation, string Reason, bool IsFailure);
