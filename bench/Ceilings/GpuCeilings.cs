using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers.Torch;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// What a GPU is seen to do: the fastest large matmul of one type among the library and its peers; the rate at which memory is overwritten,
/// and where PyTorch is present the rate of its copy. Not the data sheet's numbers.
/// </summary>
internal sealed class GpuCeilings(AttentionDevice device, IReadOnlyList<IImplementation> implementations, DType type)
    : ICeilings, IDisposable
{
    private const int FillBytes = 256 << 20;
    private const int Calls = 10;

    // 16-bit matmuls use tensor cores in PyTorch, which a smaller product does not fill. Debugging devices interpret.
    private readonly int size = !device.Info.IsGpu ? 64 : type == DType.Float32 ? 4096 : 8192;
    private readonly List<double> gflops = [];
    private readonly List<double> fill = [];
    private readonly List<double> copy = [];
    private readonly DeviceTensor buffer = device.Allocate(DType.Bool, FillBytes);
    private readonly TorchPeer? torch = implementations.OfType<TorchPeer>().FirstOrDefault();
    private readonly List<Prepared> matmuls = [];

    /// <inheritdoc/>
    public int Threads => 1;

    /// <inheritdoc/>
    public DType Type => type;

    /// <inheritdoc/>
    public (string Arithmetic, string Read, string Copy) Method => (
        $"fastest {type.Short()} matmul of {size}", torch is null ? "memory fill" : "the faster of memory fill and copy",
        torch is null ? "memory fill" : "the faster of memory fill and copy");

    /// <inheritdoc/>
    public Statistics Arithmetic => Statistics.Of(gflops);

    /// <inheritdoc/>
    public Statistics Read => Copy;

    /// <inheritdoc/>
    public Statistics Copy => Statistics.Of(copy.Count > 0 && Statistics.Of(copy).Median > Statistics.Of(fill).Median ? copy : fill);

    /// <inheritdoc/>
    public void Probe()
    {
        MatmulWorkload matmul = new()
        {
            Name = "ceiling",
            About = "",
            Problem = new MatmulProblem { M = size, N = size, K = size, Type = type },
        };
        if (matmuls.Count == 0)
        {
            Data.WorkloadInput input = matmul.CreateInput(1);
            foreach (Candidate candidate in implementations.SelectMany(i => i.Candidates(matmul, out _))) Add(candidate, input);
        }
        gflops.Add(matmuls.Max(run => matmul.Flops / run.Time(1) / 1e6));

        buffer.Fill(0);
        using StreamTimer timer = device.DefaultStream.Backend.CreateTimer();
        timer.Start();
        for (int i = 0; i < Calls; i++) buffer.Fill((byte)i);
        timer.Stop();
        fill.Add((double)Calls * FillBytes / timer.Milliseconds() / 1e6);
        if (torch is not null) copy.Add(torch.CopyGbps(FillBytes));
    }

    /// <summary>One that cannot run is no ceiling.</summary>
    private void Add(Candidate candidate, Data.WorkloadInput input)
    {
        try
        {
            Prepared run = candidate.Prepare(input);
            matmuls.Add(run);
            run.Run();
        }
        catch (TorchException)
        {
            if (matmuls.Count > 1) matmuls.RemoveAt(matmuls.Count - 1);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Prepared run in matmuls) run.Dispose();
        buffer.Dispose();
    }
}
