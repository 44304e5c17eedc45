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
/// Compiles kernels so that their text depends on the kernel alone. ILGPU optimises all methods of a kernel together, so a caller inlines
/// callees as they were written; but those that an earlier kernel called, too, are in their context already and inlined as they were
/// optimised. Here each method enters after all that it calls, and finds them optimised always. It is also faster: nothing is optimised
/// twice.
/// </summary>
internal static class KernelTranslation
{
    public static CompiledKernel Compile(Backend backend, KernelEntry entry, KernelSpecialization specialization)
    {
        Context context = backend.Context;
        lock (context)
        {
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
            return backend.Compile(kernel, EntryPointDescription.FromExplicitlyGroupedKernel(entry.Method), specialization);
        }
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
