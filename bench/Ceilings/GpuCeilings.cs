using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// What a GPU is seen to do: the fastest large fp32 matmul among the library and its peers, and the rate at which memory is overwritten,
/// taken as the ceiling of reads and copies alike. Not the data sheet's numbers.
/// </summary>
internal sealed class GpuCeilings(AttentionDevice device, IReadOnlyList<IImplementation> implementations, int size) : ICeilings, IDisposable
{
    private const int FillBytes = 256 << 20;
    private const int Calls = 10;
    private readonly List<double> gflops = [];
    private readonly List<double> gbps = [];
    private readonly DeviceTensor buffer = device.Allocate(DType.Bool, FillBytes);
    private readonly List<Prepared> matmuls = [];

    /// <inheritdoc/>
    public int Threads => 1;

    /// <inheritdoc/>
    public (string Arithmetic, string Read, string Copy) Method => ($"fastest matmul of {size}", "memory fill", "memory fill");

    /// <inheritdoc/>
    public Statistics Arithmetic => Statistics.Of(gflops);

    /// <inheritdoc/>
    public Statistics Read => Statistics.Of(gbps);

    /// <inheritdoc/>
    public Statistics Copy => Statistics.Of(gbps);

    /// <inheritdoc/>
    public void Probe()
    {
        var matmul = new MatmulWorkload { Name = "ceiling", About = "", Problem = new MatmulProblem { M = size, N = size, K = size } };
        if (matmuls.Count == 0)
        {
            Data.WorkloadInput input = matmul.CreateInput(1);
            matmuls.AddRange(implementations.SelectMany(i => i.Candidates(matmul, out _)).Select(c => c.Prepare(input)));
            foreach (Prepared run in matmuls) run.Run();
        }
        gflops.Add(matmuls.Max(run => matmul.Flops / run.Time(1) / 1e6));

        buffer.Fill(0);
        device.Synchronize();
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int i = 0; i < Calls; i++) buffer.Fill((byte)i);
        device.Synchronize();
        gbps.Add((double)Calls * FillBytes / System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds / 1e9);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Prepared run in matmuls) run.Dispose();
        buffer.Dispose();
    }
}
