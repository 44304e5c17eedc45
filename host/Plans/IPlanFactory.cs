namespace AttnKernels.Plans;

/// <summary>
/// The device-specific halves of the plans. The problems have been validated. Each method refuses with a NotSupportedException that
/// lists what there is.
/// </summary>
internal interface IPlanFactory
{
    Executable<MatmulTensors> Matmul(MatmulProblem problem);

    Executable<SoftmaxTensors> Softmax(SoftmaxProblem problem);

    /// <summary>Fused attention, without weights.</summary>
    Executable<AttentionTensors> Attention(AttentionProblem problem);

    /// <summary>Fused attention with a score modifier.</summary>
    Executable<Ruled<AttentionTensors, TRule>> Attention<TRule>(AttentionProblem problem)
        where TRule : unmanaged, IScoreModifier;

    /// <summary>Softmax with a score modifier.</summary>
    Executable<Ruled<SoftmaxTensors, TRule>> Softmax<TRule>(SoftmaxProblem problem)
        where TRule : unmanaged, IScoreModifier;

    Executable<RotaryTensors> Rotary(RotaryProblem problem);

    Executable<CacheAppendTensors> CacheAppend(CacheAppendProblem problem);

    Executable<MergeTensors> Merge(MergeProblem problem);

    Executable<WeightsTensors> Weights(WeightsProblem problem);

    /// <summary>Weights of chosen rows of attention with a score modifier.</summary>
    Executable<Ruled<WeightsTensors, TRule>> Weights<TRule>(WeightsProblem problem)
        where TRule : unmanaged, IScoreModifier;
}
