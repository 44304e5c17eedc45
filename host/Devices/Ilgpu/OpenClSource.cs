using System.Reflection;
using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Compiles kernels for OpenCL from edited source text.</summary>
internal static class OpenClSource
{
    // A compiled kernel can be built from edited source, but the entry point that it needs is not public.
    private static readonly PropertyInfo EntryPoint =
        typeof(CompiledKernel).GetProperty("EntryPoint", BindingFlags.Instance | BindingFlags.NonPublic)
        ?? throw new MissingMemberException(nameof(CompiledKernel), "EntryPoint");

    public static Action<AcceleratorStream, KernelConfig, TArgs> Load<TArgs>(CLAccelerator accelerator, KernelEntry<TArgs> entry)
        where TArgs : struct =>
        accelerator.LoadKernel(Compile(accelerator, entry)).CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArgs>>();

    public static CLCompiledKernel Compile(CLAccelerator accelerator, KernelEntry entry)
    {
        CLCompiledKernel compiled = (CLCompiledKernel)KernelTranslation.Compile(
            accelerator.Backend, entry, new KernelSpecialization(entry.GroupSize, null));
        SeparateViewEntryPoint entryPoint = (SeparateViewEntryPoint)EntryPoint.GetValue(compiled)!;
        return new CLCompiledKernel(accelerator.Context, entryPoint, compiled.Info, OpenClText.OrderLocalMemory(compiled.Source),
            compiled.CVersion);
    }
}
