namespace AttnKernels;

/// <summary>The tensors of a run together with the values of its score modifier.</summary>
/// <param name="tensors">See <see cref="Tensors"/>.</param>
/// <param name="rule">See <see cref="Rule"/>.</param>
/// <typeparam name="TTensors">The tensors of a plan without a modifier.</typeparam>
/// <typeparam name="TRule">The modifier.</typeparam>
public readonly struct Ruled<TTensors, TRule>(in TTensors tensors, TRule rule)
    where TTensors : struct
    where TRule : unmanaged, IScoreModifier
{
    /// <summary>Inputs and outputs.</summary>
    public readonly TTensors Tensors = tensors;

    /// <summary>The modifier's values.</summary>
    public readonly TRule Rule = rule;
}
