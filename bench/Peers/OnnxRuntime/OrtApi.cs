using System.Runtime.InteropServices;
using System.Text;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>
/// ONNX Runtime's C API: a table of functions that only grows at its end, so a position holds for every later version.
/// A call returns null, or a status that becomes an <see cref="OrtException"/>.
/// </summary>
internal sealed unsafe class OrtApi
{
    private const uint ApiVersion = 17;
    private const int LogErrorsOnly = 3;
    private const int AllOptimizations = 99;
    private const int ArenaAllocator = 1;
    private const int DefaultMemory = 0;
    private readonly nint* functions;
    private readonly nint environment;
    private readonly nint memory;

    /// <summary>Loads the library.</summary>
    /// <exception cref="OrtException">It is too old or refuses to start.</exception>
    public OrtApi(string path)
    {
        nint library = NativeLibrary.Load(path);
        var getBase = (delegate* unmanaged<nint*>)NativeLibrary.GetExport(library, "OrtGetApiBase");
        nint* apiBase = getBase();
        functions = (nint*)((delegate* unmanaged<uint, nint>)apiBase[0])(ApiVersion);
        Version = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)apiBase[1])()) ?? "?";
        if (functions == null) throw new OrtException($"ONNX Runtime {Version} does not know API version {ApiVersion}");
        nint created = 0;
        fixed (byte* name = "bench\0"u8)
            Check(((delegate* unmanaged<int, byte*, nint*, nint>)At(Slot.CreateEnv))(LogErrorsOnly, name, &created));
        environment = created;
        Check(((delegate* unmanaged<int, int, nint*, nint>)At(Slot.CreateCpuMemoryInfo))(ArenaAllocator, DefaultMemory, &created));
        memory = created;
    }

    /// <summary>The positions in the table that are used here.</summary>
    private enum Slot
    {
        GetErrorMessage = 2,
        CreateEnv = 3,
        CreateSessionFromArray = 8,
        Run = 9,
        CreateSessionOptions = 10,
        SetGraphOptimizationLevel = 23,
        SetIntraOpNumThreads = 24,
        CreateTensorWithData = 49,
        CreateCpuMemoryInfo = 69,
        ReleaseStatus = 93,
        ReleaseSession = 95,
        ReleaseValue = 96,
        ReleaseSessionOptions = 100,
        AddSessionConfigEntry = 130,
    }

    /// <summary>The library's version.</summary>
    public string Version { get; }

    /// <summary>
    /// Compiles a model for <paramref name="threads"/> threads, the workers pinned as <paramref name="affinity"/> says (empty:
    /// unpinned).
    /// </summary>
    public nint CreateSession(byte[] model, int threads, string affinity)
    {
        nint options = 0, session = 0;
        Check(((delegate* unmanaged<nint*, nint>)At(Slot.CreateSessionOptions))(&options));
        try
        {
            Check(((delegate* unmanaged<nint, int, nint>)At(Slot.SetIntraOpNumThreads))(options, threads));
            Check(((delegate* unmanaged<nint, int, nint>)At(Slot.SetGraphOptimizationLevel))(options, AllOptimizations));
            if (affinity.Length > 0) Configure(options, "session.intra_op_thread_affinities", affinity);
            fixed (byte* data = model)
                Check(((delegate* unmanaged<nint, byte*, nuint, nint, nint*, nint>)At(Slot.CreateSessionFromArray))(
                    environment, data, (nuint)model.Length, options, &session));
            return session;
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)At(Slot.ReleaseSessionOptions))(options);
        }
    }

    /// <summary>A tensor over memory of the caller.</summary>
    public nint CreateTensor(OrtTensor tensor)
    {
        nint value = 0;
        fixed (long* sizes = tensor.Shape)
            Check(((delegate* unmanaged<nint, void*, nuint, long*, nuint, int, nint*, nint>)At(Slot.CreateTensorWithData))(
                memory, (void*)tensor.Address, (nuint)tensor.Bytes, sizes, (nuint)tensor.Shape.Length, tensor.Type, &value));
        return value;
    }

    /// <summary>Runs a session; names and values are parallel arrays.</summary>
    public void Run(nint session, nint* inputNames, nint* inputs, int inputCount, nint* outputNames, nint* outputs, int outputCount) =>
        Check(((delegate* unmanaged<nint, nint, nint*, nint*, nuint, nint*, nuint, nint*, nint>)At(Slot.Run))(
            session, 0, inputNames, inputs, (nuint)inputCount, outputNames, (nuint)outputCount, outputs));

    public void ReleaseSession(nint session) => ((delegate* unmanaged<nint, void>)At(Slot.ReleaseSession))(session);

    public void ReleaseValue(nint value) => ((delegate* unmanaged<nint, void>)At(Slot.ReleaseValue))(value);

    private nint At(Slot slot) => functions[(int)slot];

    private void Configure(nint options, string key, string value)
    {
        fixed (byte* k = Encoding.UTF8.GetBytes(key + "\0"), v = Encoding.UTF8.GetBytes(value + "\0"))
            Check(((delegate* unmanaged<nint, byte*, byte*, nint>)At(Slot.AddSessionConfigEntry))(options, k, v));
    }

    private void Check(nint status)
    {
        if (status == 0) return;
        string message = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint, nint>)At(Slot.GetErrorMessage))(status)) ?? "unknown error";
        ((delegate* unmanaged<nint, void>)At(Slot.ReleaseStatus))(status);
        throw new OrtException(message);
    }
}
