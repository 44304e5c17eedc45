using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Peers.Torch;

/// <summary>The Python process that runs PyTorch, spoken to in JSON lines.</summary>
internal sealed class TorchWorker : IDisposable
{
    /// <summary>How to get it, for the report.</summary>
    public const string HowToGet = "python3 -m pip install torch numpy";

    private readonly Process process;
    private readonly Dictionary<WorkloadInput, HashSet<int>> holders = [];
    private int lastId;
    private bool disposed;

    /// <summary>Starts the worker; <paramref name="device"/> is "cpu" or "cuda:0".</summary>
    /// <exception cref="TorchException">PyTorch refuses.</exception>
    public TorchWorker(string script, int threads, string device)
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add(script);
        start.Environment["OMP_NUM_THREADS"] = threads.ToString(CultureInfo.InvariantCulture);
        start.Environment["OMP_PROC_BIND"] = "true";
        process = Process.Start(start)!;
        JsonObject answer = Ask(new JsonObject { ["op"] = "hello", ["threads"] = threads, ["device"] = device });
        IsCuda = device != "cpu";
        Description = $"PyTorch {answer["version"]} on {answer["device"]}";
    }

    /// <summary>Version and device.</summary>
    public string Description { get; }

    /// <summary>Whether it runs on a GPU.</summary>
    public bool IsCuda { get; }

    /// <summary>Whether python3 can import torch and numpy.</summary>
    public static bool IsAvailable()
    {
        var start = new ProcessStartInfo("python3") { RedirectStandardError = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("import importlib.util as u, sys; sys.exit(0 if u.find_spec('torch') and u.find_spec('numpy') else 1)");
        try
        {
            using Process python = Process.Start(start)!;
            python.WaitForExit();
            return python.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    /// <summary>A number for a new run.</summary>
    public int NewId() => ++lastId;

    /// <summary>A run that has this input on the device, for others to share; null where there is none.</summary>
    public int? Holder(WorkloadInput input) => holders.TryGetValue(input, out HashSet<int>? ids) ? ids.First() : null;

    /// <summary>Notes that a run has the input.</summary>
    public void Holds(WorkloadInput input, int id)
    {
        if (!holders.TryGetValue(input, out HashSet<int>? ids)) holders.Add(input, ids = []);
        ids.Add(id);
    }

    /// <summary>Notes that it has it no more.</summary>
    public void Frees(WorkloadInput input, int id)
    {
        if (holders.TryGetValue(input, out HashSet<int>? ids) && ids.Remove(id) && ids.Count == 0) holders.Remove(input);
    }

    /// <summary>Sends a request and waits for its answer.</summary>
    /// <exception cref="TorchException">The worker answered with an error, or has gone.</exception>
    public JsonObject Ask(JsonObject request)
    {
        process.StandardInput.WriteLine(request.ToJsonString());
        process.StandardInput.Flush();
        string line = process.StandardOutput.ReadLine() ?? throw new TorchException("the PyTorch worker has ended");
        JsonObject answer = JsonNode.Parse(line)!.AsObject();
        return answer["error"] is { } error ? throw new TorchException(error.ToString()) : answer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        process.StandardInput.Close();
        if (!process.WaitForExit(5000)) process.Kill();
        process.Dispose();
    }
}
