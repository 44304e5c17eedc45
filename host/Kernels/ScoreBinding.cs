namespace AttnKernels.Kernels;

/// <summary>The optional tensors of a score.</summary>
internal readonly record struct ScoreTensors(TensorView Mask, TensorView Bias, TensorView AlibiSlopes);

/// <summary>How a problem and its tensors become the score rule that a kernel takes.</summary>
internal interface IScoreBinding<out TScore>
    where TScore : struct, IScoreRule
{
    static abstract TScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors);
}

/// <summary>A positive scale alone.</summary>
internal readonly struct PlainBinding : IScoreBinding<PlainScore>
{
    public static PlainScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors) =>
        new() { ScaleLog2 = problem.ScoreScale * SpecialMath.Log2E };
}

/// <summary>All terms.</summary>
internal readonly struct GeneralBinding : IScoreBinding<GeneralScore>
{
    /// <summary>Whether a problem has a term beyond a positive scale and its band.</summary>
    public static bool IsNeeded(ScoreProblem problem) =>
        problem.Softcap > 0 || problem.Mask || problem.Bias || problem.Alibi || problem.ScoreScale <= 0;

    public static GeneralScore Bind(KernelDevice device, ScoreProblem problem, in ScoreTensors tensors)
    {
        return new GeneralScore
        {
            Scale = problem.ScoreScale,
            Softcap = problem.Softcap,
            HasMask = tensors.Mask.Flag(),
            HasAlibi = tensors.AlibiSlopes.Flag(),
            Mask = device.Data<byte>(tensors.Mask),
            MaskAt = KernelArgs.Broadcast(tensors.Mask),
            Bias = device.Floats(tensors.Bias),
            BiasAt = KernelArgs.Broadcast(tensors.Bias),
            AlibiSlopes = device.Data<float>(tensors.AlibiSlopes),
            AlibiOffset = tensors.AlibiSlopes.Offset,
            AlibiBatchStride = tensors.AlibiSlopes.IsEmpty ? 0 : tensors.AlibiSlopes.Stride(0),
        };
    }
}
