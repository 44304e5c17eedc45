namespace AttnKernels.Verification.Ptx;

/// <summary>What kernels may touch: addresses of this process. Thread-safe; a launch sees what was there when it began.</summary>
internal sealed class GlobalMemory
{
    private readonly Lock gate = new();
    private Range[] ranges = [];

    public IReadOnlyList<Range> Ranges => Volatile.Read(ref ranges);

    public void Add(ulong start, long bytes)
    {
        lock (gate) Volatile.Write(ref ranges, [.. ranges, new Range(start, start + (ulong)bytes)]);
    }

    public void Remove(ulong start)
    {
        lock (gate) Volatile.Write(ref ranges, [.. ranges.Where(range => range.Start != start)]);
    }

    /// <summary>An allocation.</summary>
    public readonly record struct Range(ulong Start, ulong End);
}
