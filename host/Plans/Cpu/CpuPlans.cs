namespace AttnKernels.Plans.Cpu;

/// <summary>Plans of the CPU device.</summary>
internal sealed class CpuPlans : IPlanFactory
{
    public MatmulExecutable Matmul(MatmulProblem problem) => new CpuMatmul(problem);

    public SoftmaxExecutable Softmax(SoftmaxProblem problem) => new CpuSoftmax(problem);

    public AttentionExecutable Attention(AttentionProblem problem) => new CpuAttention(problem);
}
