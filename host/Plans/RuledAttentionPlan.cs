using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>Attention with a score modifier of the caller's; made by <see cref="AttentionDevice.Plan{TRule}(AttentionProblem)"/>.</summary>
/// <typeparam name="TRule">The modifier.</typeparam>
public sealed class AttentionPlan<TRule> : AttentionPlanBase<Ruled<AttentionTensors, TRule>>
    where TRule : unmanaged, IScoreModifier
{
    internal AttentionPlan(AttentionDevice device, AttentionProblem problem, Executable<Ruled<AttentionTensors, TRule>> executable)
        : base(device, problem, executable)
    {
    }

    private protected override bool HasModifier => true;

    /// <summary>As the other Run, with the modifier's values of this run beside the tensors.</summary>
    /// <inheritdoc cref="Plan{TProblem, TTensors}.Run"/>
    /// <param name="tensors">Inputs and outputs.</param>
    /// <param name="rule">The modifier's values.</param>
    /// <param name="stream">A stream of the plan's device; null = its default stream.</param>
    /// <param name="cancel">Stops the run.</param>
    public void Run(in AttentionTensors tensors, TRule rule, DeviceStream? stream = null, CancellationToken cancel = default) =>
        Run(new Ruled<AttentionTensors, TRule>(tensors, rule), stream, cancel);

    private protected override ref readonly AttentionTensors TensorsOf(in Ruled<AttentionTensors, TRule> given) => ref given.Tensors;

    private protected override void Launch(
        in Ruled<AttentionTensors, TRule> given,
        in AttentionTensors tensors,
        ReadOnlySpan<TensorView> views,
        DeviceStream? queue,
        CancellationToken cancel) =>
        Launch(new Ruled<AttentionTensors, TRule>(tensors, given.Rule), views, Names, Outputs, queue, cancel);
}
