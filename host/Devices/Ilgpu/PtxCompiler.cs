using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends;
using ILGPU.Backends.EntryPoints;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Compiles kernels to PTX text. Needs neither a GPU nor a driver. Thread-safe; compilations run one after the other.</summary>
internal sealed class PtxCompiler : IDisposable
{
    /// <summary>
    /// No launch bound: groups have at most 256 lanes, which fit with all 255 registers a lane, and told of 256 lanes ptxas spills the
    /// softmax kernels to reach 32 registers.
    /// </summary>
    public static readonly KernelSpecialization Bounds = KernelSpecialization.Empty;

    private readonly Context context = CreateContext(_ => { });
    private readonly PTXBackend backend;

    /// <summary>
    /// A compiler for compute capability <paramref name="major"/>.<paramref name="minor"/>; ILGPU writes at most sm_80 into the text.
    /// </summary>
    public PtxCompiler(int major = 8, int minor = 0) =>
        backend = new PTXBackend(context, new CudaArchitecture(major, minor), CudaInstructionSet.ISA_78, null!);

    /// <summary>
    /// The settings that every ILGPU device uses. O2 makes address spaces explicit (O1 leaves generic loads and real local memory), and
    /// the algorithms library brings exp2 and log2.
    /// </summary>
    public static Context CreateContext(Action<Context.Builder> devices) =>
        Context.Create(builder => devices(builder.Optimize(OptimizationLevel.O2).EnableAlgorithms()));

    /// <summary>The PTX of one kernel; its entry point is named Kernel_Kernel.</summary>
    public string Compile(KernelEntry entry)
    {
        EntryPointDescription description = EntryPointDescription.FromExplicitlyGroupedKernel(entry.Method);
        return ((PTXCompiledKernel)backend.Compile(description, Bounds)).PTXAssembly;
    }

    public void Dispose()
    {
        backend.Dispose();
        context.Dispose();
    }
}
