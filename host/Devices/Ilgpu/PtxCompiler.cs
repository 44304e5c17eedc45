using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>A module with one entry point, and the shared memory that its launches ask for beside the static.</summary>
internal sealed record PtxKernel(string Text, int DynamicSharedBytes);

/// <summary>Compiles kernels to PTX text. Needs neither a GPU nor a driver. Thread-safe; compilations run one after the other.</summary>
internal sealed class PtxCompiler : IDisposable
{
    private readonly Context context = CreateContext(_ => { });
    private readonly PTXBackend backend;
    private readonly (int Major, int Minor) architecture;

    /// <summary>A compiler for compute capability <paramref name="major"/>.<paramref name="minor"/>.</summary>
    public PtxCompiler(int major = 8, int minor = 0)
    {
        architecture = (major, minor);
        backend = new PTXBackend(context, new CudaArchitecture(major, minor), CudaInstructionSet.ISA_78, null!);
    }

    /// <summary>
    /// The settings that every ILGPU device uses. O2 makes address spaces explicit (O1 leaves generic loads and real local memory), and
    /// the algorithms library brings exp2 and log2.
    /// </summary>
    public static Context CreateContext(Action<Context.Builder> devices)
    {
        Context context = Context.Create(builder => devices(builder.Optimize(OptimizationLevel.O2).EnableAlgorithms()));
        PtxIntrinsics.Register(context);
        return context;
    }

    /// <summary>One kernel, as a device of the compiler's architecture gets it.</summary>
    public PtxKernel Compile(KernelEntry entry) => Compile(backend, entry, architecture.Major, architecture.Minor);

    /// <summary>
    /// Compiles with <paramref name="backend"/> and edits the text. There is no launch bound unless the entry asks for one: groups have at
    /// most 256 lanes, which fit with all 255 registers a lane, and told of 256 lanes ptxas spills the softmax kernels to reach 32
    /// registers.
    /// </summary>
    public static PtxKernel Compile(PTXBackend backend, KernelEntry entry, int major, int minor)
    {
        string ptx = ((PTXCompiledKernel)KernelTranslation.Compile(backend, entry, KernelSpecialization.Empty)).PTXAssembly;
        ptx = PtxText.FlushPowers(PtxText.Retarget(PtxText.NumberNames(ptx), major, minor));
        if (entry.Unrolls) ptx = PtxText.AllowUnrolling(ptx);
        if (entry.GroupsPerMultiprocessor > 0) ptx = PtxText.BoundLaunch(ptx, entry.GroupSize, entry.GroupsPerMultiprocessor);
        int dynamicBytes = 0;
        if (entry.SharedBytes > PtxText.StaticSharedLimit) ptx = PtxText.MoveToDynamicShared(ptx, out dynamicBytes);
        return new PtxKernel(ptx, dynamicBytes);
    }

    public void Dispose()
    {
        backend.Dispose();
        context.Dispose();
    }
}
