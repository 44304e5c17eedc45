using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;

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
        try
        {
            JsonObject answer = Ask(new JsonObject { ["op"] = "hello", ["threads"] = threads, ["device"] = device });
            IsCuda = device != "cpu";
            HasTensorCores = answer["tensorCores"]!.GetValue<bool>();
            Description = $"PyTorch {answer["version"]} on {answer["device"]}";
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Version and device.</summary>
    public string Description { get; }

    /// <summary>Whether it runs on a GPU.</summary>
    public bool IsCuda { get; }

    /// <summary>Whether the GPU has tensor cores that take fp32, as TF32.</summary>
    public bool HasTensorCores { get; }

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
    /// <exception cref="NotApplicableException">PyTorch does not take the problem.</exception>
    public JsonObject Ask(JsonObject request)
    {
        string? line;
        try
        {
            process.StandardInput.WriteLine(request.ToJsonString());
            process.StandardInput.Flush();
            line = process.StandardOutput.ReadLine();
        }
        catch (IOException)
        {
            line = null;
        }
        JsonObject answer = JsonNode.Parse(line ?? throw new TorchException("the PyTorch worker has ended"))!.AsObject();
        if (answer["refused"] is { } reason) throw new NotApplicableException(reason.ToString());
        return answer["error"] is { } error ? throw new TorchException(error.ToString()) : answer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        try
        {
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has gone already.
        }
        if (!process.WaitForExit(5000)) process.Kill();
        process.Dispose();
    }
}
