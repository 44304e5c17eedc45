using System.Runtime.ExceptionServices;

namespace AttnKernels.Simd;

/// <summary>A call's items, while threads take them. One per place, reused from call to call.</summary>
internal sealed unsafe class SimdJob
{
    private const int Stopped = int.MaxValue / 2;

    private int items;
    private int taken;
    private int helpersInside;

    public delegate*<void*, int, byte*, void> Body { get; private set; }

    public void* Arguments { get; private set; }

    public long ScratchBytes { get; private set; }

    public CancellationToken Cancel { get; private set; }

    public ExceptionDispatchInfo? Error { get; set; }

    /// <summary>Next in the pool's list; guarded by the pool.</summary>
    public SimdJob? Next { get; set; }

    public bool HasItems => Volatile.Read(ref taken) < items;

    public void Begin(delegate*<void*, int, byte*, void> body, void* arguments, int count, long scratchBytes, CancellationToken cancel)
    {
        Body = body;
        Arguments = arguments;
        ScratchBytes = scratchBytes;
        Cancel = cancel;
        Error = null;
        items = count;
        Volatile.Write(ref taken, 0);
    }

    public bool TryTake(out int item)
    {
        item = Interlocked.Increment(ref taken) - 1;
        return item < items;
    }

    /// <summary>No further item is handed out.</summary>
    public void Stop() => Volatile.Write(ref taken, Stopped);

    /// <summary>Called under the pool's lock.</summary>
    public void HelperJoined() => Interlocked.Increment(ref helpersInside);

    public void HelperLeft()
    {
        lock (this)
        {
            Interlocked.Decrement(ref helpersInside);
            Monitor.PulseAll(this);
        }
    }

    /// <summary>Returns when no helper works on the job any more; called when none can join.</summary>
    public void WaitForHelpers()
    {
        for (int spin = 0; spin < 1000 && Volatile.Read(ref helpersInside) != 0; spin++) Thread.SpinWait(10);
        if (Volatile.Read(ref helpersInside) == 0) return;
        lock (this)
        {
            while (Volatile.Read(ref helpersInside) != 0) Monitor.Wait(this);
        }
    }
}

/// <summary>The right to compute, with the memory that goes with it.</summary>
internal sealed class SimdPlace : IDisposable
{
    /// <summary>What a place keeps between calls; a larger block is given back to the system.</summary>
    private const long KeptBytes = 64 << 20;

    /// <summary>Scratch of the thread that holds the place.</summary>
    public Scratch Own { get; } = new();

    /// <summary>Scratch that all threads of the holder's call share.</summary>
    public Scratch Shared { get; } = new();

    public SimdJob Job { get; } = new();

    public void Trim()
    {
        Own.Trim(KeptBytes);
        Shared.Trim(KeptBytes);
    }

    public void Dispose()
    {
        Own.Dispose();
        Shared.Dispose();
    }
}
