using System.Reflection;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Frontend;
using ILGPU.IR;
using ILGPU.IR.Values;
using ILGPU.Runtime;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// Compiles each kernel in a context of its own, so that its text depends on the kernel alone. In a context that others have used, ILGPU
/// inlines methods as they were optimised for those, and takes two structures with the same fields for one, as it met it first: a kernel's
/// registers can end in local memory because of another kernel.
/// Each method enters after all that it calls, and inlines them as they are optimised. It is also faster: nothing is optimised twice.
/// </summary>
internal static class KernelTranslation
{
    /// <summary>Thread-safe. A kernel that ILGPU cannot compile leaves nothing behind.</summary>
    /// <exception cref="InternalCompilerException">ILGPU cannot.</exception>
    public static TCompiled Compile<TCompiled>(KernelEntry entry, KernelSpecialization specialization, Func<Context, Backend> createBackend)
        where TCompiled : CompiledKernel
    {
        using Context context = IlgpuContext.Create(_ => { });
        using Backend backend = createBackend(context);
        List<MethodBase> methods = [];
        using (IRContext sketch = new(context))
        {
            using ContextCodeGenerationPhase phase = context.BeginCodeGeneration(sketch);
            AddCalleesFirst(Translate(phase, entry.Method), [], methods);
        }
        Method kernel = null!;
        foreach (MethodBase method in methods)
        {
            using ContextCodeGenerationPhase phase = context.BeginCodeGeneration();
            kernel = Translate(phase, method);
            phase.Optimize();
        }
        return (TCompiled)backend.Compile(kernel, EntryPointDescription.FromExplicitlyGroupedKernel(entry.Method), specialization);
    }

    /// <summary>A method, and all that it calls that the phase's context has not yet.</summary>
    private static Method Translate(ContextCodeGenerationPhase phase, MethodBase method)
    {
        CodeGenerationResult result;
        using (CodeGenerationPhase frontend = phase.BeginFrontendCodeGeneration()) result = frontend.GenerateCode(method);
        return phase.IsFaulted ? throw phase.LastException! : result.Result!;
    }

    private static void AddCalleesFirst(Method method, HashSet<Method> seen, List<MethodBase> order)
    {
        // Intrinsics and their like have no body, and nothing to optimise.
        if (!seen.Add(method) || !method.HasImplementation || !method.HasSource) return;
        foreach (BasicBlock block in method.Blocks)
        {
            foreach (BasicBlock.ValueEntry value in block)
            {
                if (value.Value is MethodCall call) AddCalleesFirst(call.Target, seen, order);
            }
        }
        order.Add(method.Source);
    }
}
