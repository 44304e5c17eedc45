namespace AttnKernels.Bench.Measure;

/// <summary>An implementation's result is outside the bounds of the reference.</summary>
internal sealed class WrongResultException(string message) : Exception(message);
