using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>A run with a score rule that has values of its own.</summary>
internal interface IScored<TScore>
    where TScore : struct, IScoreRule
{
    void Run(in AttentionTensors t, in TScore score, DeviceStream stream);
}

/// <summary>Fused attention with a score modifier: the kernels of attention, with the modifier's values of each run.</summary>
internal sealed class KernelRuledAttention<T, TElement, TRule, TKeys, TKeyBinding>(KernelDevice device, AttentionProblem problem)
    : Executable<Ruled<AttentionTensors, TRule>>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TRule : unmanaged, IScoreModifier
    where TKeys : struct, IKeyRows, IKeyTiles
    where TKeyBinding : struct, IKeyBinding<TKeys>
{
    private readonly Executable<AttentionTensors> attention =
        KernelSplitAttention<T, TElement, UserScore<TRule>, UserBinding<TRule>, TKeys, TKeyBinding>.OrWhole(device, problem);

    public override long WorkspaceBytes => attention.WorkspaceBytes;

    public override string Explain() => attention.Explain();

    public override void Run(in Ruled<AttentionTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        UserScore<TRule> score = UserBinding<TRule>.Bind(device, problem, t.Tensors.Score);
        score.Rule = t.Rule;
        ((IScored<UserScore<TRule>>)attention).Run(t.Tensors, score, stream);
    }

    public override void Dispose()
    {
        attention.Dispose();
        base.Dispose();
    }
}

/// <summary>Softmax with a score modifier.</summary>
internal sealed class KernelRuledSoftmax<TX, TElementX, TY, TElementY, TRule>(KernelDevice device, SoftmaxProblem problem)
    : Executable<Ruled<SoftmaxTensors, TRule>>
    where TX : unmanaged
    where TElementX : struct, IElement<TX>
    where TY : unmanaged
    where TElementY : struct, IElement<TY>
    where TRule : unmanaged, IScoreModifier
{
    private readonly KernelSoftmax<TX, TElementX, TY, TElementY, UserScore<TRule>, UserBinding<TRule>> softmax = new(device, problem);

    public override string Explain() => softmax.Explain();

    public override void Run(in Ruled<SoftmaxTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        UserScore<TRule> score = UserBinding<TRule>.Bind(device, problem, t.Tensors.Score);
        score.Rule = t.Rule;
        softmax.Launch(t.Tensors, score, stream);
    }
}

/// <summary>Weights of chosen rows of attention with a score modifier.</summary>
internal sealed class KernelRuledWeights<T, TElement, TRule>(KernelDevice device, WeightsProblem problem)
    : Executable<Ruled<WeightsTensors, TRule>>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TRule : unmanaged, IScoreModifier
{
    private readonly KernelWeights<T, TElement, UserScore<TRule>, UserBinding<TRule>> weights = new(device, problem);

    public override string Explain() => weights.Explain();

    public override void Run(in Ruled<WeightsTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        UserScore<TRule> score = UserBinding<TRule>.Bind(device, problem.Attention, t.Tensors.Attention.Score);
        score.Rule = t.Rule;
        weights.Launch(t.Tensors, score, stream);
    }
}
