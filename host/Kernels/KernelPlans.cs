using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>Plans of a device that runs the kernels of kernels/.</summary>
internal sealed class KernelPlans(KernelDevice device) : IPlanFactory
{
    public Executable<MatmulTensors> Matmul(MatmulProblem problem) =>
        MatmulTypes.Dispatch(problem.TypeA, problem.TypeB, problem.TypeC, new MatmulWork(device, problem));

    public Executable<SoftmaxTensors> Softmax(SoftmaxProblem problem) =>
        SoftmaxTypes.Dispatch(problem.Type, problem.OutputType, new SoftmaxWork(device, problem));

    public Executable<AttentionTensors> Attention(AttentionProblem problem) =>
        Elements.Dispatch(problem.Type, new AttentionWork(device, problem));

    public Executable<Ruled<AttentionTensors, TRule>> Attention<TRule>(AttentionProblem problem)
        where TRule : unmanaged, IScoreModifier => Elements.Dispatch(problem.Type, new RuledAttentionWork<TRule>(device, problem));

    public Executable<Ruled<SoftmaxTensors, TRule>> Softmax<TRule>(SoftmaxProblem problem)
        where TRule : unmanaged, IScoreModifier =>
        SoftmaxTypes.Dispatch(problem.Type, problem.OutputType, new RuledSoftmaxWork<TRule>(device, problem));

    public Executable<RotaryTensors> Rotary(RotaryProblem problem) => Elements.Dispatch(problem.Type, new RotaryWork(device, problem));

    public Executable<CacheAppendTensors> CacheAppend(CacheAppendProblem problem)
    {
        if (problem.CacheType != problem.Type) return Elements.Dispatch(problem.Type, new CacheConvertWork(device, problem));
        return problem.Type.Size() == sizeof(float) ? new KernelCacheAppend<float>(device, problem)
            : new KernelCacheAppend<ushort>(device, problem);
    }

    public Executable<MergeTensors> Merge(MergeProblem problem) =>
        SoftmaxTypes.Dispatch(problem.PartType, problem.Type, new MergeWork(device, problem));

    public Executable<WeightsTensors> Weights(WeightsProblem problem) =>
        Elements.Dispatch(problem.Attention.Type, new WeightsWork(device, problem));

    public Executable<Ruled<WeightsTensors, TRule>> Weights<TRule>(WeightsProblem problem)
        where TRule : unmanaged, IScoreModifier =>
        Elements.Dispatch(problem.Attention.Type, new RuledWeightsWork<TRule>(device, problem));

    private readonly struct WeightsWork(KernelDevice device, WeightsProblem problem) : IElementWork<Executable<WeightsTensors>>
    {
        public Executable<WeightsTensors> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => new KernelWeights<T, TElement, GeneralScore, GeneralBinding>(device, problem);
    }

    private readonly struct RuledWeightsWork<TRule>(KernelDevice device, WeightsProblem problem)
        : IElementWork<Executable<Ruled<WeightsTensors, TRule>>>
        where TRule : unmanaged, IScoreModifier
    {
        public Executable<Ruled<WeightsTensors, TRule>> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => new KernelRuledWeights<T, TElement, TRule>(device, problem);
    }

    private readonly struct MergeWork(KernelDevice device, MergeProblem problem) : ISoftmaxWork<Executable<MergeTensors>>
    {
        public Executable<MergeTensors> Run<TX, TElementX, TY, TElementY>()
            where TX : unmanaged
            where TElementX : struct, IElement<TX>
            where TY : unmanaged
            where TElementY : struct, IElement<TY> => new KernelMerge<TX, TElementX, TY, TElementY>(device, problem);
    }

    private readonly struct CacheConvertWork(KernelDevice device, CacheAppendProblem problem) : IElementWork<Executable<CacheAppendTensors>>
    {
        public Executable<CacheAppendTensors> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => new KernelCacheConvert<T, TElement>(device, problem);
    }

    private readonly struct RotaryWork(KernelDevice device, RotaryProblem problem) : IElementWork<Executable<RotaryTensors>>
    {
        public Executable<RotaryTensors> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => new KernelRotary<T, TElement>(device, problem);
    }

    private readonly struct MatmulWork(KernelDevice device, MatmulProblem problem) : IMatmulWork<Executable<MatmulTensors>>
    {
        public Executable<MatmulTensors> Run<TA, TElementA, TB, TElementB, TC, TElementC>()
            where TA : unmanaged
            where TElementA : struct, IElement<TA>
            where TB : unmanaged
            where TElementB : struct, IElement<TB>
            where TC : unmanaged
            where TElementC : struct, IElement<TC>
        {
            MatmulPick pick = MatmulPick.Of(device, problem);
            return pick.Parts > 1
                ? new KernelSplitMatmul<TA, TElementA, TB, TElementB, TC, TElementC>(device, problem, pick)
                : new KernelMatmul<TA, TElementA, TB, TElementB, TC, TElementC>(device, problem, pick);
        }
    }

    private readonly struct SoftmaxWork(KernelDevice device, SoftmaxProblem problem) : ISoftmaxWork<Executable<SoftmaxTensors>>
    {
        public Executable<SoftmaxTensors> Run<TX, TElementX, TY, TElementY>()
            where TX : unmanaged
            where TElementX : struct, IElement<TX>
            where TY : unmanaged
            where TElementY : struct, IElement<TY> => GeneralBinding.IsNeeded(problem) || problem.Scores
                ? new KernelSoftmax<TX, TElementX, TY, TElementY, GeneralScore, GeneralBinding>(device, problem)
                : new KernelSoftmax<TX, TElementX, TY, TElementY, PlainScore, PlainBinding>(device, problem);
    }

    private readonly struct RuledSoftmaxWork<TRule>(KernelDevice device, SoftmaxProblem problem)
        : ISoftmaxWork<Executable<Ruled<SoftmaxTensors, TRule>>>
        where TRule : unmanaged, IScoreModifier
    {
        public Executable<Ruled<SoftmaxTensors, TRule>> Run<TX, TElementX, TY, TElementY>()
            where TX : unmanaged
            where TElementX : struct, IElement<TX>
            where TY : unmanaged
            where TElementY : struct, IElement<TY> => new KernelRuledSoftmax<TX, TElementX, TY, TElementY, TRule>(device, problem);
    }

    private readonly struct RuledAttentionWork<TRule>(KernelDevice device, AttentionProblem problem)
        : IElementWork<Executable<Ruled<AttentionTensors, TRule>>>
        where TRule : unmanaged, IScoreModifier
    {
        public Executable<Ruled<AttentionTensors, TRule>> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> => problem.HasPlainKeys
                ? new KernelRuledAttention<T, TElement, TRule, PlainKeys<T, TElement>, PlainKeyBinding<T, TElement>>(device, problem)
                : new KernelRuledAttention<T, TElement, TRule, GeneralKeys, GeneralKeyBinding>(device, problem);
    }

    private readonly struct AttentionWork(KernelDevice device, AttentionProblem problem) : IElementWork<Executable<AttentionTensors>>
    {
        public Executable<AttentionTensors> Run<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T>
        {
            bool isGeneral = GeneralBinding.IsNeeded(problem);
            if (problem.HasPackedPlainKeys && !isGeneral)
            {
                return new KernelAttention<T, TElement, PlainScore, PlainBinding, PackedKeys<T, TElement>, PackedKeyBinding<T, TElement>>(
                    device, problem);
            }
            if (!problem.HasPlainKeys)
            {
                // Without tensor cores one instantiation for all other sources: their loads cost more than scores that are looked up.
                return isGeneral || KeySplits.OfDecode(problem, isOnTensorCores: true) || !IsOnTensorCores<T, TElement>()
                    ? Plan<T, TElement, GeneralScore, GeneralBinding, GeneralKeys, GeneralKeyBinding>()
                    : Plan<T, TElement, PlainScore, PlainBinding, GeneralKeys, GeneralKeyBinding>();
            }
            return isGeneral
                ? Plan<T, TElement, GeneralScore, GeneralBinding, PlainKeys<T, TElement>, PlainKeyBinding<T, TElement>>()
                : Plan<T, TElement, PlainScore, PlainBinding, PlainKeys<T, TElement>, PlainKeyBinding<T, TElement>>();
        }

        private bool IsOnTensorCores<T, TElement>()
            where T : unmanaged
            where TElement : struct, IElement<T> =>
            KernelAttention<T, TElement, PlainScore, PlainBinding, GeneralKeys, GeneralKeyBinding>.OnTensorCores(device, problem, 1,
                out _) is not null;

        private Executable<AttentionTensors> Plan<T, TElement, TScore, TBinding, TKeys, TKeyBinding>()
            where T : unmanaged
            where TElement : struct, IElement<T>
            where TScore : struct, IScoreRule
            where TBinding : struct, IScoreBinding<TScore>
            where TKeys : struct, IKeyRows, IKeyTiles
            where TKeyBinding : struct, IKeyBinding<TKeys> =>
            KernelSplitAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.OrWhole(device, problem);
    }
}
