using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.OpenCL;
using ILGPU.IR.Types;
using ILGPU.Runtime;
using ILGPU.Runtime.OpenCL;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Kernels for OpenCL: their source text, edited, and what launches it.</summary>
internal static class OpenClSource
{
    // What ILGPU's CLBackend.CreateEntryPoint says.
    private const int FieldsPerView = 2;

    public static KernelText Translate(CLAccelerator accelerator, KernelEntry entry)
    {
        CLCompiledKernel compiled = KernelTranslation.Compile<CLCompiledKernel>(
            entry, Specialization(entry),
            context => new CLBackend(context, accelerator.Capabilities, accelerator.Vendor, accelerator.CLStdVersion));
        return new KernelText(OpenClText.OrderLocalMemory(compiled.Source));
    }

    /// <summary>Builds a kernel from its text, which an earlier process may have translated.</summary>
    public static Action<AcceleratorStream, KernelConfig, TArgs> Load<TArgs>(
        CLAccelerator accelerator, KernelEntry<TArgs> entry, KernelText kernel)
        where TArgs : struct
    {
        SeparateViewEntryPoint entryPoint = new(
            EntryPointDescription.FromExplicitlyGroupedKernel(entry.Method), new SharedMemorySpecification(entry.SharedBytes, false),
            Specialization(entry), new TypeInformationManager(), FieldsPerView);
        CLCompiledKernel compiled = new(accelerator.Context, entryPoint, null, kernel.Text, accelerator.CLStdVersion);
        return accelerator.LoadKernel(compiled).CreateLauncherDelegate<Action<AcceleratorStream, KernelConfig, TArgs>>();
    }

    private static KernelSpecialization Specialization(KernelEntry entry) => new(entry.GroupSize, null);
}
