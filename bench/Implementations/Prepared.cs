using System.Diagnostics;

namespace AttnKernels.Bench.Implementations;

/// <summary>A workload with its inputs in place, ready to run again and again without preparation.</summary>
public abstract class Prepared : IDisposable
{
    /// <summary>
    /// Whether the caller takes part in the work and is to be pinned while it is timed, as the implementation's workers are.
    /// </summary>
    public virtual bool PinsCaller => true;

    /// <summary>Which kernels run, for the report; empty where nobody says.</summary>
    public virtual string Explanation => "";

    /// <summary>Computes the output once; returns when it is complete.</summary>
    public abstract void Run();

    /// <summary>Milliseconds of one of <paramref name="calls"/> consecutive runs.</summary>
    public virtual double Time(int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++) Run();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds / calls;
    }

    /// <summary>The output of the last run as fp32, row-major in the order of the workload's output tensor.</summary>
    public abstract float[] Output();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the run needed.</summary>
    protected abstract void Dispose(bool disposing);
}
