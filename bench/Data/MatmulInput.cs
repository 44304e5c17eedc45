using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Data;

/// <summary>A (1, M, K) and B (1, K, N).</summary>
public sealed class MatmulInput : WorkloadInput
{
    /// <summary>(1, M, K)</summary>
    public required HostTensor A { get; init; }

    /// <summary>(1, K, N)</summary>
    public required HostTensor B { get; init; }

    internal static MatmulInput Create(MatmulWorkload workload, int seed)
    {
        MatmulProblem p = workload.Problem;
        return new MatmulInput
        {
            A = Normal(seed, Stream.First, p.TypeA, 1, p.M, p.K),
            B = Normal(seed, Stream.Second, p.TypeB, 1, p.K, p.N),
        };
    }
}
