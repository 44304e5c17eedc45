namespace AttnKernels.Cli.Commands;

/// <summary>Reports on the caller's thread, in order; <see cref="Progress{T}"/> would not.</summary>
internal sealed class Steps<T>(Action<T> step) : IProgress<T>
{
    public void Report(T value) => step(value);
}
