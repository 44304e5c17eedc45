using System.Numerics.Tensors;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers.OnnxRuntime;
using AttnKernels.Bench.Peers.OpenBlas;
using AttnKernels.Bench.Peers.Torch;

namespace AttnKernels.Bench.Peers;

/// <summary>Which peers exist, which are present on this machine, and how the others are got.</summary>
internal sealed class PeerCatalog
{
    /// <summary>All names that --peers knows.</summary>
    public static readonly IReadOnlyList<string> Names = ["naive", "tensorprimitives", "onnxruntime", "openblas", "pytorch"];

    private readonly IReadOnlyList<string> chosen;
    private readonly string torchScript;
    private readonly List<string> absent = [];
    private readonly OrtApi? ort;

    /// <summary>Looks for the peers that <paramref name="options"/> names; installs ONNX Runtime if it is named and missing.</summary>
    public PeerCatalog(BenchOptions options, string root, Action<string> progress)
    {
        string folder = Path.Combine(root, "bench", "Peers");
        torchScript = Path.Combine(folder, "Torch", "worker.py");
        var found = new List<string>();
        var descriptions = new List<string>();
        IReadOnlyList<string> wanted = options.Peers is null or ["all"] ? Names : options.Peers;
        foreach (string name in wanted)
        {
            switch (name)
            {
                case "naive":
                    Have(name, "naive: plain C# loops");
                    break;
                case "tensorprimitives":
                    Version? version = typeof(TensorPrimitives).Assembly.GetName().Version;
                    Have(name, $"tensorprimitives: System.Numerics.Tensors {version?.ToString(3)}");
                    break;
                case "openblas":
                    if (OpenBlasLibrary.IsAvailable) Have(name, $"openblas: {OpenBlasLibrary.Description}");
                    else absent.Add($"openblas: {OpenBlasLibrary.HowToGet}");
                    break;
                case "pytorch":
                    if (TorchWorker.IsAvailable()) Have(name, "pytorch: python3 with torch");
                    else absent.Add($"pytorch: {TorchWorker.HowToGet}");
                    break;
                case "onnxruntime":
                    ort = LoadOrt(Path.Combine(folder, "OnnxRuntime"), options.Peers is not null, progress, out string? problem);
                    if (ort is not null) Have(name, $"onnxruntime: ONNX Runtime {ort.Version}");
                    else absent.Add($"onnxruntime: {problem}");
                    break;
                default:
                    throw new OptionException($"--peers {name}: there are {string.Join(", ", Names)}, all and none");
            }
        }
        (chosen, Descriptions) = (found, descriptions);

        void Have(string name, string description)
        {
            found.Add(name);
            descriptions.Add(description);
        }
    }

    /// <summary>What takes part, with versions.</summary>
    public IReadOnlyList<string> Descriptions { get; }

    /// <summary>What is missing, with how to get it.</summary>
    public IReadOnlyList<string> Absent => absent;

    /// <summary>The peers of the CPU device with <paramref name="threads"/> threads.</summary>
    public IReadOnlyList<IImplementation> ForCpu(WorkerThreads threads) => [.. chosen.Select(name => (IImplementation?)(name switch
    {
        "naive" => new RowPeer<NaiveOperations>(threads),
        "tensorprimitives" => new RowPeer<TensorPrimitivesOperations>(threads),
        "openblas" => new OpenBlasPeer(threads),
        "onnxruntime" => new OrtPeer(ort!, threads.Count),
        _ => Torch(threads.Count, "cpu", [""]).FirstOrDefault(),
    })).OfType<IImplementation>()];

    /// <summary>The peers of a GPU: PyTorch for CUDA, each backend of its attention apart.</summary>
    public IReadOnlyList<IImplementation> ForGpu(DeviceInfo device) =>
        device.Kind == DeviceKind.Cuda && chosen.Contains("pytorch") ? Torch(1, device.Name, TorchPeer.Backends) : [];

    private TorchPeer[] Torch(int threads, string device, IReadOnlyList<string> backends)
    {
        try
        {
            TorchWorker worker = new(torchScript, threads, device);
            return [.. backends.Select(backend => new TorchPeer(worker, backend))];
        }
        catch (TorchException e)
        {
            // A PyTorch without CUDA, say: the library is measured all the same.
            absent.Add($"pytorch on {device}: {e.Message}");
            return [];
        }
    }

    private static OrtApi? LoadOrt(string folder, bool install, Action<string> progress, out string? problem)
    {
        problem = OrtInstallation.HowToGet;
        string? library = OrtInstallation.Find(folder);
        if (library is null && install)
        {
            progress("installing onnxruntime-node from npm");
            problem = OrtInstallation.Install(folder) ?? "the npm package has no library for this system";
            library = OrtInstallation.Find(folder);
        }
        if (library is null) return null;
        try
        {
            return new OrtApi(library);
        }
        catch (Exception e) when (e is OrtException or DllNotFoundException)
        {
            problem = e.Message;
            return null;
        }
    }
}
