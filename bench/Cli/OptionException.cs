namespace AttnKernels.Bench.Cli;

/// <summary>An option has a value that does not exist; the message lists those that do.</summary>
public sealed class OptionException(string message) : Exception(message);
