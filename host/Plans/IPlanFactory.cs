namespace AttnKernels.Plans;

/// <summary>
/// The device-specific halves of the plans. The problems have been validated. Each method refuses with a NotSupportedException that
/// lists what there is.
/// </summary>
internal interface IPlanFactory
{
    MatmulExecutable Matmul(MatmulProblem problem);

    SoftmaxExecutable Softmax(SoftmaxProblem problem);

    /// <summary>Fused attention, without weights.</summary>
    AttentionExecutable Attention(AttentionProblem problem);

    RotaryExecutable Rotary(RotaryProblem problem);

    CacheAppendExecutable CacheAppend(CacheAppendProblem problem);
}
