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

    Executable<RotaryTensors> Rotary(RotaryProblem problem);

    Executable<CacheAppendTensors> CacheAppend(CacheAppendProblem problem);

    Executable<MergeTensors> Merge(MergeProblem problem);

    Executable<WeightsTensors> Weights(WeightsProblem problem);
}
