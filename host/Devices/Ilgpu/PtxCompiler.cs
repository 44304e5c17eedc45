using AttnKernels.Kernels;
using ILGPU;
using ILGPU.Backends.PTX;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Compiles kernels to PTX text for an architecture. Needs neither a GPU nor a driver. Thread-safe.</summary>
/// <param name="architecture">null: sm_80.</param>
/// <param name="instructions">The version of PTX; null: 7.8, of CUDA 11.8.</param>
internal sealed class PtxCompiler(CudaArchitecture? architecture = null, CudaInstructionSet? instructions = null)
{
    private readonly CudaArchitecture architecture = architecture ?? new CudaArchitecture(8, 0);
    private readonly CudaInstructionSet instructions = instructions ?? CudaInstructionSet.ISA_78;

    /// <summary>Compiles kernels on all processors.</summary>
    /// <param name="entries">The kernels.</param>
    /// <param name="compiled">Is told of each kernel's place and text, by several threads at once.</param>
    /// <param name="cancel">Stops between kernels.</param>
    public void CompileAll(IReadOnlyList<KernelEntry> entries, Action<int, KernelText> compiled, CancellationToken cancel = default)
    {
        ParallelOptions options = new() { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancel };
        Parallel.For(0, entries.Count, options, n => compiled(n, Compile(entries[n])));
    }

    /// <summary>
    /// One kernel. There is no launch bound unless the entry asks for one: groups have at most 256 lanes, which fit with all 255 registers
    /// a lane, and told of 256 lanes ptxas spills the softmax kernels to reach 32 registers.
    /// </summary>
    /// <exception cref="InternalCompilerException">ILGPU cannot; other kernels are none the worse.</exception>
    public KernelText Compile(KernelEntry entry)
    {
        string ptx = PtxText.KeepLoops(PtxText.RemoveUniform(PtxText.FlushPowers(PtxText.NumberNames(Translate(entry)))));
        ptx = PtxText.Retarget(ptx, architecture.Major, architecture.Minor);
        if (entry.GroupsPerMultiprocessor > 0) ptx = PtxText.BoundLaunch(ptx, entry.GroupSize, entry.GroupsPerMultiprocessor);
        int dynamicBytes = 0;
        if (entry.SharedBytes > PtxText.StaticSharedLimit) ptx = PtxText.MoveToDynamicShared(ptx, out dynamicBytes);
        return new KernelText(ptx, dynamicBytes);
    }

    private string Translate(KernelEntry entry) => KernelTranslation.Compile<PTXCompiledKernel>(
        entry, KernelSpecialization.Empty, context => new PTXBackend(context, architecture, instructions, null!)).PTXAssembly;
}
