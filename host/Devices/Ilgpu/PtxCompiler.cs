using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// Compiles kernels to PTX text for an architecture. Needs neither a GPU nor a driver. Thread-safe; compilations run one after the other.
/// </summary>
/// <param name="architecture">null: sm_80.</param>
/// <param name="instructions">The version of PTX; null: 7.8, of CUDA 11.8.</param>
/// <param name="kernelsPerContext">After so many another context takes its place: each keeps all that it compiled, 15 MB a kernel.</param>
internal sealed class PtxCompiler(
    CudaArchitecture? architecture = null, CudaInstructionSet? instructions = null, int kernelsPerContext = 32) : IDisposable
{
    private readonly Lock gate = new();
    private readonly CudaArchitecture architecture = architecture ?? new CudaArchitecture(8, 0);
    private readonly CudaInstructionSet instructions = instructions ?? CudaInstructionSet.ISA_78;
    private Context? context;
    private PTXBackend? backend;
    private int compiled;

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

    /// <summary>
    /// One kernel. There is no launch bound unless the entry asks for one: groups have at most 256 lanes, which fit with all 255 registers
    /// a lane, and told of 256 lanes ptxas spills the softmax kernels to reach 32 registers.
    /// </summary>
    /// <exception cref="InternalCompilerException">ILGPU cannot; other kernels are none the worse.</exception>
    public KernelText Compile(KernelEntry entry)
    {
        string ptx = PtxText.FlushPowers(PtxText.Retarget(PtxText.NumberNames(Translate(entry)), architecture.Major, architecture.Minor));
        if (entry.Unrolls) ptx = PtxText.AllowUnrolling(ptx);
        if (entry.GroupsPerMultiprocessor > 0) ptx = PtxText.BoundLaunch(ptx, entry.GroupSize, entry.GroupsPerMultiprocessor);
        int dynamicBytes = 0;
        if (entry.SharedBytes > PtxText.StaticSharedLimit) ptx = PtxText.MoveToDynamicShared(ptx, out dynamicBytes);
        return new KernelText(ptx, dynamicBytes);
    }

    private string Translate(KernelEntry entry)
    {
        lock (gate)
        {
            if (compiled == kernelsPerContext)
            {
                Dispose();
                // By itself the collector lets many such contexts pile up.
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
            }
            context ??= CreateContext(_ => { });
            backend ??= new PTXBackend(context, architecture, instructions, null!);
            compiled++;
            return ((PTXCompiledKernel)KernelTranslation.Compile(backend, entry, KernelSpecialization.Empty)).PTXAssembly;
        }
    }

    /// <summary>Frees the context; compiling again makes another.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            backend?.Dispose();
            context?.Dispose();
            (backend, context, compiled) = (null, null, 0);
        }
    }
}
