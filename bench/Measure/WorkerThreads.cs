using System.Diagnostics;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// The threads of the probes and of the peers that have none of their own: the caller and <c>count - 1</c> pinned workers that spin for
/// about a millisecond after a call and then sleep, so that they disturb nobody else's measurement.
/// </summary>
public sealed class WorkerThreads : IDisposable
{
    private static readonly long SpinTicks = Stopwatch.Frequency / 1000;
    private readonly Thread[] workers;
    private readonly object gate = new();
    private Action<int> body = static _ => { };
    private int items;
    private int next;
    private int running;
    private int generation;
    private volatile bool stop;

    /// <summary>Starts <paramref name="count"/> - 1 workers.</summary>
    public WorkerThreads(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        Count = count;
        workers = new Thread[count - 1];
        for (int i = 0; i < workers.Length; i++)
        {
            int processor = i + 1;
            workers[i] = new Thread(() => Work(processor)) { IsBackground = true, Name = $"bench worker {processor}" };
            workers[i].Start();
        }
    }

    /// <summary>Threads that take part in a call, the caller included.</summary>
    public int Count { get; }

    /// <summary>Runs <paramref name="body"/> for 0 .. <paramref name="items"/> - 1, each once, and returns when all are done.</summary>
    public void For(int items, Action<int> body)
    {
        this.body = body;
        this.items = items;
        next = 0;
        running = workers.Length;
        Wake();
        Drain();
        var spin = new SpinWait();
        while (Volatile.Read(ref running) > 0) spin.SpinOnce(sleep1Threshold: -1);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        stop = true;
        Wake();
        foreach (Thread worker in workers) worker.Join();
    }

    private void Work(int processor)
    {
        Affinity.Pin(processor);
        for (int seen = 0; ;)
        {
            seen = WaitForWork(seen);
            if (stop) return;
            Drain();
            Interlocked.Decrement(ref running);
        }
    }

    private void Wake()
    {
        lock (gate)
        {
            generation++;
            Monitor.PulseAll(gate);
        }
    }

    private int WaitForWork(int seen)
    {
        long until = Stopwatch.GetTimestamp() + SpinTicks;
        while (Stopwatch.GetTimestamp() < until)
        {
            if (Volatile.Read(ref generation) != seen) return seen + 1;
            Thread.SpinWait(16);
        }
        lock (gate)
        {
            while (generation == seen) Monitor.Wait(gate);
        }
        return seen + 1;
    }

    private void Drain()
    {
        for (int i = Interlocked.Increment(ref next) - 1; i < items; i = Interlocked.Increment(ref next) - 1) body(i);
    }
}
