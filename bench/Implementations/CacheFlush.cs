namespace AttnKernels.Bench.Implementations;

/// <summary>Overwrites more memory than a GPU's last-level cache holds, so that a timed run finds nothing of its inputs there.</summary>
internal sealed class CacheFlush(AttentionDevice device) : IDisposable
{
    /// <summary>Twice the 128 MB that the largest current cache has.</summary>
    private const int Bytes = 256 << 20;
    private readonly DeviceTensor buffer = device.Allocate(DType.Bool, Bytes);

    /// <summary>Queues the overwriting.</summary>
    public void Run() => buffer.Fill(1);

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();
}
