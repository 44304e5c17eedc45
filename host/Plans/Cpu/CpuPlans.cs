using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Plans of the CPU device.</summary>
internal sealed class CpuPlans(SimdWorkers workers) : IPlanFactory
{
    public Executable<MatmulTensors> Matmul(MatmulProblem problem) => new CpuMatmul(problem, workers);

    public Executable<SoftmaxTensors> Softmax(SoftmaxProblem problem) => new CpuSoftmax(problem, workers);

    public Executable<AttentionTensors> Attention(AttentionProblem problem) => new CpuAttention(problem, workers);

    public Executable<Ruled<AttentionTensors, TRule>> Attention<TRule>(AttentionProblem problem)
        where TRule : unmanaged, IScoreModifier => new CpuRuledAttention<TRule>(new CpuAttention(problem, workers));

    public Executable<Ruled<SoftmaxTensors, TRule>> Softmax<TRule>(SoftmaxProblem problem)
        where TRule : unmanaged, IScoreModifier => new CpuRuledSoftmax<TRule>(new CpuSoftmax(problem, workers));

    public Executable<RotaryTensors> Rotary(RotaryProblem problem) => new CpuRotary(problem, workers);

    public Executable<CacheAppendTensors> CacheAppend(CacheAppendProblem problem) => new CpuCacheAppend(workers, problem);

    public Executable<MergeTensors> Merge(MergeProblem problem) => new CpuMerge(problem, workers);

    public Executable<WeightsTensors> Weights(WeightsProblem problem) => new CpuWeights(problem, workers);

    public Executable<Ruled<WeightsTensors, TRule>> Weights<TRule>(WeightsProblem problem)
        where TRule : unmanaged, IScoreModifier => new CpuRuledWeights<TRule>(new CpuWeights(problem, workers));
}
