using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers.Torch;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// What a GPU is seen to do: the fastest large matmul of one type among the library and its peers, <paramref name="asksForTf32"/> also of
/// fp32 as TF32; the rate at which memory is overwritten, and where PyTorch is present the rate of its copy. Not the data sheet's numbers.
/// </summary>
internal sealed class GpuCeilings(
    AttentionDevice device, IReadOnlyList<IImplementation> implementations, DType type, bool asksForTf32) : ICeilings, IDisposable
{
    private const int FillBytes = 256 << 20;
    private const int Calls = 10;

    // A smaller product does not fill tensor cores. Debugging devices interpret.
    private readonly int tensorSize = device.Info.IsGpu ? 8192 : 64;
    private readonly int size = !device.Info.IsGpu ? 64 : type == DType.Float32 ? 4096 : 8192;
    private readonly List<double> gflops = [];
    private readonly List<double> tf32 = [];
    private readonly List<double> fill = [];
    private readonly List<double> copy = [];
    private readonly DeviceTensor buffer = device.Allocate(DType.Bool, FillBytes);
    private readonly TorchPeer? torch = implementations.OfType<TorchPeer>().FirstOrDefault();
    private List<Prepared>? matmuls;
    private List<Prepared> tf32Matmuls = [];

    /// <inheritdoc/>
    public int Threads => 1;

    /// <inheritdoc/>
    public DType Type => type;

    /// <inheritdoc/>
    public (string Arithmetic, string Read, string Copy) Method => (
        $"fastest {type.Short()} matmul of {size}", torch is null ? "memory fill" : "the faster of memory fill and copy",
        torch is null ? "memory fill" : "the faster of memory fill and copy");

    /// <inheritdoc/>
    public Statistics? Tf32 => tf32.Count > 0 ? Statistics.Of(tf32) : null;

    /// <inheritdoc/>
    public string Tf32Method => $"fastest matmul of {tensorSize} that multiplies {type.Short()} as TF32";

    /// <inheritdoc/>
    public Statistics Arithmetic => Statistics.Of(gflops);

    /// <inheritdoc/>
    public Statistics Read => Copy;

    /// <inheritdoc/>
    public Statistics Copy => Statistics.Of(copy.Count > 0 && Statistics.Of(copy).Median > Statistics.Of(fill).Median ? copy : fill);

    /// <inheritdoc/>
    public void Probe()
    {
        if (matmuls is null)
        {
            matmuls = Prepare(size, InputPrecision.Ieee);
            if (asksForTf32) tf32Matmuls = Prepare(tensorSize, InputPrecision.Tf32);
        }
        Time(matmuls, size, gflops);
        Time(tf32Matmuls, tensorSize, tf32);

        buffer.Fill(0);
        using StreamTimer timer = device.DefaultStream.Backend.CreateTimer();
        timer.Start();
        for (int i = 0; i < Calls; i++) buffer.Fill((byte)i);
        timer.Stop();
        fill.Add((double)Calls * FillBytes / timer.Milliseconds() / 1e6);
        try
        {
            if (torch is not null) copy.Add(torch.CopyGbps(FillBytes));
        }
        catch (TorchException)
        {
            // Memory fill remains.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Prepared run in (matmuls ?? []).Concat(tf32Matmuls)) run.Dispose();
        buffer.Dispose();
    }

    /// <summary>The square product by everyone who multiplies in that way; one that cannot run is no ceiling.</summary>
    private List<Prepared> Prepare(int n, InputPrecision precision)
    {
        MatmulWorkload matmul = new()
        {
            Name = "ceiling",
            About = "",
            Problem = new MatmulProblem { M = n, N = n, K = n, Type = type, InputPrecision = precision },
        };
        Data.WorkloadInput input = matmul.CreateInput(1);
        var runs = new List<Prepared>();
        foreach (Candidate candidate in implementations.SelectMany(i => i.Candidates(matmul, out _)))
        {
            if ((candidate.Multiplies ?? precision) != precision) continue;
            Prepared? run = null;
            try
            {
                run = candidate.Prepare(input);
                run.Run();
                runs.Add(run);
            }
            catch (TorchException)
            {
                run?.Dispose();
            }
        }
        return runs;
    }

    /// <summary>Adds the fastest to <paramref name="rates"/>; who fails takes part no more.</summary>
    private static void Time(List<Prepared> runs, int n, List<double> rates)
    {
        double best = 0;
        foreach (Prepared run in runs.ToArray())
        {
            try
            {
                best = Math.Max(best, 2.0 * n * n * n / run.Time(1) / 1e6);
            }
            catch (TorchException)
            {
                runs.Remove(run);
                run.Dispose();
            }
        }
        if (best > 0) rates.Add(best);
    }
}
