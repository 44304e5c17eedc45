using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Fused attention with a score modifier on the CPU device.</summary>
internal sealed unsafe class CpuRuledAttention<TRule>(CpuAttention attention) : Executable<Ruled<AttentionTensors, TRule>>
    where TRule : unmanaged, IScoreModifier
{
    public override string Explain() => $"{attention.Explain()}; scores by {typeof(TRule).Name}";

    public override void Run(in Ruled<AttentionTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        ScoreModifier<TRule> modifier = SimdArgs.Modifier(t.Rule, t.Tensors.Score);
        attention.Run(t.Tensors, ScoreModifier<TRule>.Of(&modifier), cancel);
    }
}

/// <summary>Softmax with a score modifier on the CPU device.</summary>
internal sealed unsafe class CpuRuledSoftmax<TRule>(CpuSoftmax softmax) : Executable<Ruled<SoftmaxTensors, TRule>>
    where TRule : unmanaged, IScoreModifier
{
    public override string Explain() => $"{softmax.Explain()}; scores by {typeof(TRule).Name}";

    public override void Run(in Ruled<SoftmaxTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        ScoreModifier<TRule> modifier = SimdArgs.Modifier(t.Rule, t.Tensors.Score);
        softmax.Run(t.Tensors, ScoreModifier<TRule>.Of(&modifier), cancel);
    }
}

/// <summary>Weights of chosen rows of attention with a score modifier on the CPU device.</summary>
internal sealed unsafe class CpuRuledWeights<TRule>(CpuWeights weights) : Executable<Ruled<WeightsTensors, TRule>>
    where TRule : unmanaged, IScoreModifier
{
    public override string Explain() => $"{weights.Explain()}; scores by {typeof(TRule).Name}";

    public override void Run(in Ruled<WeightsTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        ScoreModifier<TRule> modifier = SimdArgs.Modifier(t.Rule, t.Tensors.Attention.Score);
        weights.Run(t.Tensors, ScoreModifier<TRule>.Of(&modifier), cancel);
    }
}
