using AttnKernels.Bench.Workloads;
using AttnKernels.Verification;

namespace AttnKernels.Bench.Data;

/// <summary>X (1, 1, rows, columns).</summary>
public sealed class SoftmaxInput : WorkloadInput
{
    /// <summary>(1, 1, rows, columns)</summary>
    public required HostTensor X { get; init; }

    internal static SoftmaxInput Create(SoftmaxWorkload workload, int seed)
    {
        SoftmaxProblem p = workload.Problem;
        return new SoftmaxInput { X = Normal(seed, Stream.First, p.Type, 1, 1, p.Rows, p.Columns) };
    }
}
