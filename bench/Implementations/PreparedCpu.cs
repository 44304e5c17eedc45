using AttnKernels.Bench.Data;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Implementations;

/// <summary>
/// A run over aligned fp32 buffers of this process: <paramref name="run"/> reads the inputs and fills <paramref name="output"/>.
/// </summary>
internal sealed class PreparedCpu(AlignedBuffer<float> output, Action run, params IDisposable[] owned) : Prepared
{
    /// <inheritdoc/>
    public override void Run() => run();

    /// <inheritdoc/>
    public override float[] Output() => output.Span.ToArray();

    /// <summary>A copy of a tensor on a cache line boundary.</summary>
    public static AlignedBuffer<float> Copy(HostTensor tensor) => new(tensor.Values);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        output.Dispose();
        foreach (IDisposable resource in owned) resource.Dispose();
    }
}
