using System.Reflection;

namespace AttnKernels.Simulation;

/// <summary>A kernel with its arguments.</summary>
internal abstract class KernelCall
{
    public abstract void Invoke();
}

/// <inheritdoc/>
internal sealed class KernelCall<TArgs> : KernelCall
    where TArgs : struct
{
    private readonly Action<TArgs> _kernel;
    private readonly TArgs _args;

    public KernelCall(Action<TArgs> kernel, in TArgs args)
    {
        _kernel = kernel;
        _args = args;
    }

    public override void Invoke() => _kernel(_args);
}

/// <summary>Names of kernels and types as C# writes them.</summary>
internal static class ReadableName
{
    /// <summary><c>Class&lt;Single, Tile64&gt;.Method&lt;CausalMask&gt;</c>, without namespaces.</summary>
    public static string Of(MethodInfo method)
    {
        string name = method.DeclaringType is { } type ? Of(type) + "." + method.Name : method.Name;
        return method.IsGenericMethod ? $"{name}<{Join(method.GetGenericArguments())}>" : name;
    }

    private static string Of(Type type)
    {
        // The arguments of an enclosing generic type come first among those of the type.
        Type[] arguments = type.GetGenericArguments();
        int inherited = type.DeclaringType?.GetGenericArguments().Length ?? 0;
        int tick = type.Name.IndexOf('`', StringComparison.Ordinal);
        string name = tick < 0 ? type.Name : type.Name[..tick];
        return arguments.Length == inherited ? name : $"{name}<{Join(arguments[inherited..])}>";
    }

    private static string Join(Type[] types) => string.Join(", ", types.Select(Of));
}
