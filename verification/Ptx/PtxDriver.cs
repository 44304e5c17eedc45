using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Verification.Ptx;

/// <summary>A CUDA driver that executes PTX itself, in this process's memory, and checks what the kernels do. Thread-safe.</summary>
internal sealed unsafe class PtxDriver(GlobalMemory memory) : ICudaDriver, IDisposable
{
    /// <summary>What a group of the H100 may have (CUDA C++ programming guide, table of technical specifications).</summary>
    public const int MaxSharedBytes = 227 << 10;

    private readonly Lock gate = new();
    private readonly List<Function> functions = [];

    private readonly ThreadLocal<string?> lastFault = new();

    public void Bind()
    {
    }

    public CudaError LoadModule(string ptx, out nint module, out string? log)
    {
        (module, log, lastFault.Value) = (0, null, null);
        try
        {
            Function function = new(new PtxProgram(PtxModule.Parse(ptx)));
            lock (gate)
            {
                functions.Add(function);
                module = functions.Count;
            }
            return CudaError.CUDA_SUCCESS;
        }
        catch (FormatException e)
        {
            log = e.Message;
            return CudaError.CUDA_ERROR_INVALID_PTX;
        }
    }

    public CudaError GetFunction(nint module, string name, out nint function)
    {
        function = module;
        return Of(module).Program.Module.EntryName == name ? CudaError.CUDA_SUCCESS : CudaError.CUDA_ERROR_NOT_FOUND;
    }

    public CudaError AllowDynamicShared(nint function, int bytes)
    {
        if (Of(function).Program.Module.StaticSharedBytes + bytes > MaxSharedBytes) return CudaError.CUDA_ERROR_INVALID_VALUE;
        Of(function).DynamicSharedBytes = bytes;
        return CudaError.CUDA_SUCCESS;
    }

    public CudaError GetAttribute(nint function, FunctionAttribute attribute, out int value)
    {
        value = 0;
        return CudaError.CUDA_ERROR_NOT_SUPPORTED; // registers are the assembler's
    }

    public CudaError GetGroupsAtOnce(nint function, int lanes, int dynamicSharedBytes, out int groups)
    {
        groups = 0;
        return CudaError.CUDA_ERROR_NOT_SUPPORTED;
    }

    public MultiprocessorLimits Limits() => new(2048, 65536, MaxSharedBytes + 1024);

    public CudaError Launch(nint function, int groups, int lanes, int sharedBytes, nint stream, void* args)
    {
        lastFault.Value = null;
        Function launched = Of(function);
        PtxModule module = launched.Program.Module;
        // Whole warps, as all kernels have.
        if (groups <= 0 || lanes <= 0 || lanes > 1024 || lanes % Warp.Lanes != 0 || (module.MaxLanes > 0 && lanes > module.MaxLanes)
            || sharedBytes > Math.Max(PtxText.StaticSharedLimit - module.StaticSharedBytes, launched.DynamicSharedBytes))
            return CudaError.CUDA_ERROR_INVALID_VALUE;
        byte[] parameters = new ReadOnlySpan<byte>(args, module.ParameterBytes).ToArray();
        IReadOnlyList<GlobalMemory.Range> ranges = memory.Ranges;
        try
        {
            Parallel.For(
                0, groups,
                () => launched.Group(lanes, module.StaticSharedBytes + sharedBytes, parameters, ranges),
                (index, loop, group) =>
                {
                    if (!loop.IsExceptional) group.Run(index);
                    return group;
                },
                _ => { });
            return CudaError.CUDA_SUCCESS;
        }
        catch (AggregateException e) when (e.InnerExceptions.OfType<PtxFaultException>().FirstOrDefault() is { } fault)
        {
            // The device goes on: nothing was overwritten that is not the kernel's.
            lastFault.Value = fault.Message;
            return CudaError.CUDA_ERROR_INVALID_VALUE;
        }
    }

    public CudaError CreateEvent(out nint marker)
    {
        marker = 0;
        return CudaError.CUDA_ERROR_NOT_SUPPORTED;
    }

    public CudaError RecordEvent(nint marker, nint stream) => CudaError.CUDA_ERROR_NOT_SUPPORTED;

    public CudaError WaitForEvent(nint marker) => CudaError.CUDA_ERROR_NOT_SUPPORTED;

    public CudaError ElapsedTime(nint start, nint stop, out float milliseconds)
    {
        milliseconds = 0;
        return CudaError.CUDA_ERROR_NOT_SUPPORTED;
    }

    public CudaError DestroyEvent(nint marker) => CudaError.CUDA_ERROR_NOT_SUPPORTED;

    public void Dispose() => lastFault.Dispose();

    public string Describe(CudaError error)
    {
        string text = lastFault.Value ?? error.ToString();
        lastFault.Value = null;
        return text;
    }

    private Function Of(nint handle)
    {
        lock (gate) return functions[(int)handle - 1];
    }

    /// <summary>A loaded kernel.</summary>
    private sealed class Function(PtxProgram program)
    {
        public PtxProgram Program { get; } = program;

        public int DynamicSharedBytes { get; set; }

        public PtxGroup Group(int lanes, int sharedBytes, byte[] parameters, IReadOnlyList<GlobalMemory.Range> ranges) =>
            new(Program, lanes, parameters, sharedBytes, ranges);
    }
}
