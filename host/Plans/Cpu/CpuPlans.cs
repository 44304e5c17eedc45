using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Plans of the CPU device.</summary>
internal sealed class CpuPlans(SimdWorkers workers) : IPlanFactory
{
    public MatmulExecutable Matmul(MatmulProblem problem) => new CpuMatmul(problem, workers);

    public SoftmaxExecutable Softmax(SoftmaxProblem problem) => new CpuSoftmax(problem, workers);

    public AttentionExecutable Attention(AttentionProblem problem) => new CpuAttention(problem, workers);

    public RotaryExecutable Rotary(RotaryProblem problem) => new CpuRotary(problem, workers);

    public CacheAppendExecutable CacheAppend(CacheAppendProblem problem) => new CpuCacheAppend(problem);
}
