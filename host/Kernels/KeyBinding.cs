namespace AttnKernels.Kernels;

/// <summary>How a problem and its tensors become the key source that a kernel takes.</summary>
internal interface IKeyBinding<out TKeys>
    where TKeys : struct, IKeySource
{
    static abstract TKeys Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors);
}

/// <summary>K and V where they lie, of the queries' type.</summary>
internal readonly struct PlainKeyBinding<T, TElement> : IKeyBinding<PlainKeys<T, TElement>>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public static PlainKeys<T, TElement> Bind(KernelDevice device, AttentionProblem problem, in AttentionTensors tensors) =>
        new() { K = device.Heads<T>(tensors.K), V = device.Heads<T>(tensors.V) };
}
