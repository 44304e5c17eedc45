using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Tests.Ilgpu;

/// <summary>A CUDA driver that is not there: it remembers what it was asked, and fails where it is told to.</summary>
internal sealed unsafe class FakeDriver : ICudaDriver
{
    public List<string> Calls { get; } = [];

    /// <summary>How the calls start that fail; empty = none.</summary>
    public string Failing { get; set; } = "";

    public CudaError Error { get; init; } = CudaError.CUDA_ERROR_ILLEGAL_ADDRESS;

    /// <summary>Called by every launch with its stream, on the thread that launches.</summary>
    public Action<nint>? Launching { get; set; }

    public int Registers { get; init; } = 97;

    public int LocalBytes { get; init; }

    public int GroupsAtOnce { get; init; } = 2;

    /// <summary>Launches succeed and are not remembered.</summary>
    public bool IsQuiet { get; init; }

    /// <summary>A module without code.</summary>
    public static KernelText Module(int parameterBytes, int dynamicShared) =>
        new($".visible .entry Kernel_Kernel(\n\t.param .align 8 .b8 _par_1[{parameterBytes}]\n)\n{{\n}}\n", dynamicShared);

    public void Bind()
    {
        if (!IsQuiet) Calls.Add("bind");
    }

    public CudaError LoadModule(string ptx, out nint module, out string? log)
    {
        (module, log) = (1, Failing == "load" ? "ptxas says no\0" : null);
        return Answer("load");
    }

    public CudaError GetFunction(nint module, string name, out nint function)
    {
        function = 2;
        return Answer($"find {name}");
    }

    public CudaError AllowDynamicShared(nint function, int bytes) => Answer($"allow {bytes}");

    public CudaError GetAttribute(nint function, FunctionAttribute attribute, out int value)
    {
        value = attribute == FunctionAttribute.Registers ? Registers : LocalBytes;
        return Answer($"get {attribute}");
    }

    public CudaError GetGroupsAtOnce(nint function, int lanes, int dynamicSharedBytes, out int groups)
    {
        groups = GroupsAtOnce;
        return Answer($"groups of {lanes} shared {dynamicSharedBytes}");
    }

    public MultiprocessorLimits Limits() => new(2048, 65536, 228 << 10);

    public CudaError Launch(nint function, int groups, int lanes, int sharedBytes, nint stream, void* args)
    {
        Launching?.Invoke(stream);
        return IsQuiet
            ? CudaError.CUDA_SUCCESS
            : Answer($"launch {groups}x{lanes} shared {sharedBytes} stream {stream}: {((int*)args)[0]} {((int*)args)[1]}");
    }

    public CudaError CreateEvent(out nint marker)
    {
        marker = Calls.Count;
        return Answer("create event");
    }

    public CudaError RecordEvent(nint marker, nint stream) => Answer($"record {marker} stream {stream}");

    public CudaError WaitForEvent(nint marker) => Answer($"wait {marker}");

    public CudaError ElapsedTime(nint start, nint stop, out float milliseconds)
    {
        milliseconds = 1.5f;
        return Answer($"elapsed {start} {stop}");
    }

    public CudaError DestroyEvent(nint marker) => Answer($"destroy {marker}");

    public string Describe(CudaError error) => $"fake error {error}";

    private CudaError Answer(string call)
    {
        Calls.Add(call);
        return Failing.Length > 0 && call.StartsWith(Failing, StringComparison.Ordinal) ? Error : CudaError.CUDA_SUCCESS;
    }
}
