using AttnKernels.Verification;

namespace AttnKernels.Bench.Data;

/// <summary>The inputs of a workload: what the reference computes from and every implementation receives.</summary>
public abstract class WorkloadInput
{
    /// <summary>The streams of <see cref="Seeded"/> that the tensors of one input come from.</summary>
    private protected enum Stream
    {
        First,
        Second,
        Third,
        Mask,
        Bias,
    }

    /// <summary>Normally distributed values, rounded to <paramref name="type"/>.</summary>
    private protected static HostTensor Normal(int seed, Stream stream, DType type, params ReadOnlySpan<int> shape) =>
        new Seeded((ulong)seed).Normals((int)stream, type, 1, shape);
}
