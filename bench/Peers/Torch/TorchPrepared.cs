using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;

namespace AttnKernels.Bench.Peers.Torch;

/// <summary>A run that the worker holds; the worker takes the time itself, so the pipe is not in it.</summary>
internal sealed class TorchPrepared : Prepared
{
    private readonly TorchWorker worker;
    private readonly int id;
    private readonly WorkloadInput input;

    public TorchPrepared(TorchWorker worker, int id, WorkloadInput input)
    {
        (this.worker, this.id, this.input) = (worker, id, input);
        worker.Holds(input, id);
    }

    /// <summary>The caller only waits.</summary>
    public override bool PinsCaller => false;

    public override void Run() => Time(1);

    public override double Time(int calls) =>
        worker.Ask(new JsonObject { ["op"] = "time", ["id"] = id, ["calls"] = calls })["ms"]!.GetValue<double>();

    public override float[] Output()
    {
        string file = Path.GetTempFileName();
        try
        {
            worker.Ask(new JsonObject { ["op"] = "output", ["id"] = id, ["file"] = file });
            return MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(file)).ToArray();
        }
        finally
        {
            File.Delete(file);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing) return;
        worker.Frees(input, id);
        try
        {
            worker.Ask(new JsonObject { ["op"] = "release", ["id"] = id });
        }
        catch (TorchException)
        {
            // A worker that has gone or lost its device holds nothing any more; who runs something on it next is told.
        }
    }
}
