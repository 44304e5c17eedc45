using System.Reflection;

namespace AttnKernels.Kernels;

/// <summary>One instantiation of a kernel: the closed generic method, the group it runs in, and why its tile was chosen.</summary>
internal abstract record KernelEntry(string Name, int GroupSize, int SharedBytes)
{
    /// <summary>The static method that the device compiles.</summary>
    public abstract MethodInfo Method { get; }

    /// <summary>CUDA: groups that a multiprocessor should hold at once, which bounds the registers; 0 = no launch bound at all.</summary>
    public int GroupsPerMultiprocessor { get; init; }

    /// <summary>True: the kernel calls <see cref="TensorCore"/>, and only a device that has tensor cores can load it.</summary>
    public bool NeedsTensorCores { get; init; }

    public override string ToString() => Name;
}

/// <inheritdoc cref="KernelEntry"/>
/// <typeparam name="TArgs">The one parameter of the kernel.</typeparam>
internal sealed record KernelEntry<TArgs>(string Name, Action<TArgs> Kernel, int GroupSize, int SharedBytes)
    : KernelEntry(Name, GroupSize, SharedBytes)
    where TArgs : struct
{
    public override MethodInfo Method => Kernel.Method;

    public override string ToString() => Name;
}
