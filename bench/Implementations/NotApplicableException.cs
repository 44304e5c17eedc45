namespace AttnKernels.Bench.Implementations;

/// <summary>An implementation does not take a problem, which shows only when it runs.</summary>
internal sealed class NotApplicableException(string reason) : Exception(reason);
