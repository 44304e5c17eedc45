using AttnKernels.Bench.Measure;

namespace AttnKernels.Bench.Ceilings;

/// <summary>The ceilings of the processor for one thread count.</summary>
internal sealed class CpuCeilings(MemoryProbe memory, WorkerThreads threads) : ICeilings
{
    private readonly List<double> gflops = [];
    private readonly List<double> read = [];
    private readonly List<double> copy = [];

    /// <summary>Threads of the probes.</summary>
    public int Threads => threads.Count;

    /// <summary>One probe of each kind; 20 to 40 milliseconds.</summary>
    public void Probe()
    {
        Affinity.Pin(0);
        gflops.Add(FmaProbe.Measure(threads));
        read.Add(memory.Read(threads));
        copy.Add(memory.Copy(threads));
        Affinity.Unpin();
    }

    /// <inheritdoc/>
    public bool WatchesRounds => true;

    /// <inheritdoc/>
    public bool IsQuiet()
    {
        Affinity.Pin(0);
        double now = FmaProbe.Measure(threads);
        Affinity.Unpin();
        if (now < ICeilings.QuietShare * Arithmetic.P80) return false;
        gflops.Add(now); // where few workloads are measured, their first probes alone may have been disturbed
        return true;
    }

    /// <inheritdoc/>
    public (string Arithmetic, string Read, string Copy) Method => ("FMA in registers", "memory read", "memory copy");

    /// <summary>GFLOP/s of all probes.</summary>
    public Statistics Arithmetic => Statistics.Of(gflops);

    /// <summary>GB/s read, of all probes.</summary>
    public Statistics Read => Statistics.Of(read);

    /// <summary>GB/s copied, of all probes.</summary>
    public Statistics Copy => Statistics.Of(copy);
}
