using System.Runtime.ExceptionServices;

namespace AttnKernels.Simd;

/// <summary>
/// The threads and the scratch memory of the CPU kernels. Thread-safe: callers that come at once share the threads, and never more than
/// <see cref="Threads"/> of them compute at a time, callers included; a caller that finds no place waits for one.
/// </summary>
/// <remarks>
/// A call's work is a number of items that threads take one by one. Which thread runs which item never changes a result.
/// The calling thread works too; helpers join it while a place is free and hand their place to a waiting caller between two items.
/// Scratch is native memory, one block per place, and stays allocated for the next call: a call allocates no managed memory.
/// </remarks>
public sealed unsafe class SimdWorkers : IDisposable
{
    /// <summary>How long an idle helper looks for work before it sleeps: a sleeping thread takes about 50 us to wake.</summary>
    private const int SpinMicroseconds = 200;

    private readonly object gate = new();
    private readonly object idleGate = new();
    private readonly SimdPlace[] free;
    private readonly SimdPlace[] places;
    private Thread[]? helpers;
    private SimdJob? jobs;
    private int freeCount;
    private int waiting;
    private int idle;
    private int published;
    private bool disposed;

    /// <summary>A pool for <paramref name="threads"/> threads, callers included; 0 = one per core.</summary>
    public SimdWorkers(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        places = new SimdPlace[Threads];
        for (int i = 0; i < Threads; i++) places[i] = new SimdPlace();
        free = (SimdPlace[])places.Clone();
        freeCount = Threads;
    }

    /// <summary>The most threads that compute at a time.</summary>
    public int Threads { get; }

    /// <summary>The vector width that kernels use; tests narrow it.</summary>
    internal SimdWidth Width { get; init; } =
        Width512.IsSupported ? SimdWidth.Vector512 :
        Width256.IsSupported ? SimdWidth.Vector256 :
        Width128.IsSupported ? SimdWidth.Vector128 : SimdWidth.Scalar;

    /// <summary>Waits for calls in progress, ends the threads and frees the scratch memory.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed) return;
            disposed = true;
            while (freeCount < Threads) Monitor.Wait(gate);
        }

        lock (idleGate) Monitor.PulseAll(idleGate);
        foreach (var helper in helpers ?? []) helper.Join();
        foreach (var place in places) place.Dispose();
    }

    /// <summary>Takes a place for the calling thread, waiting for one if it must. Give it back with <see cref="Leave"/>.</summary>
    internal SimdPlace Enter()
    {
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            waiting++;
            while (freeCount == 0) Monitor.Wait(gate);
            waiting--;
            return free[--freeCount];
        }
    }

    /// <summary>Gives a place back.</summary>
    internal void Leave(SimdPlace place)
    {
        place.Trim();
        lock (gate)
        {
            free[freeCount++] = place;
            Monitor.PulseAll(gate);
            if (jobs == null) return;

            // A helper that found no free place before may join now.
            Volatile.Write(ref published, published + 1);
        }

        WakeHelpers();
    }

    /// <summary>
    /// Runs body(arguments, item, scratch) for every item below <paramref name="items"/>, on the calling thread, which holds
    /// <paramref name="place"/>, and on helpers. Each thread has <paramref name="scratchBytes"/> bytes of 64-byte aligned scratch.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; items may be missing from the output.</exception>
    internal void Run(SimdPlace place, delegate*<void*, int, byte*, void> body, void* arguments, int items, long scratchBytes,
        CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var job = place.Job;
        job.Begin(body, arguments, items, scratchBytes, cancel);
        bool shared = items > 1 && Threads > 1;
        if (shared) Publish(job);
        try
        {
            Work(job, place, isHelper: false);
        }
        finally
        {
            job.Stop();
            if (shared) Withdraw(job);
        }

        job.Error?.Throw();
        cancel.ThrowIfCancellationRequested();
    }

    private void Work(SimdJob job, SimdPlace place, bool isHelper)
    {
        byte* scratch = place.Own.Rent(job.ScratchBytes);
        while (job.TryTake(out int item))
        {
            job.Body(job.Arguments, item, scratch);
            if (job.Cancel.IsCancellationRequested) job.Stop();
            if (isHelper && Volatile.Read(ref waiting) > 0) return;
        }
    }

    private void Publish(SimdJob job)
    {
        lock (gate)
        {
            if (helpers == null) StartHelpers();
            job.Next = jobs;
            jobs = job;
            Volatile.Write(ref published, published + 1);
        }

        WakeHelpers();
    }

    private void WakeHelpers()
    {
        if (Volatile.Read(ref idle) == 0) return;
        lock (idleGate) Monitor.PulseAll(idleGate);
    }

    private void Withdraw(SimdJob job)
    {
        lock (gate)
        {
            if (jobs == job)
            {
                jobs = job.Next;
            }
            else
            {
                var before = jobs!;
                while (before.Next != job) before = before.Next!;
                before.Next = job.Next;
            }

            job.Next = null;
        }

        job.WaitForHelpers();
    }

    private void StartHelpers()
    {
        helpers = new Thread[Threads - 1];
        for (int i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(Help) { IsBackground = true, Name = "AttnKernels worker" };
            helpers[i].Start();
        }
    }

    private void Help()
    {
        while (true)
        {
            int seen = Volatile.Read(ref published);
            if (TryJoin(out var job, out var place))
            {
                try
                {
                    Work(job, place, isHelper: true);
                }
                catch (Exception error)
                {
                    job.Error = ExceptionDispatchInfo.Capture(error);
                    job.Stop();
                }

                job.HelperLeft();
                Leave(place);
            }
            else if (!SpinUntilPublished(seen) && !Sleep(seen))
            {
                return;
            }
        }
    }

    private bool TryJoin(out SimdJob job, out SimdPlace place)
    {
        lock (gate)
        {
            for (var candidate = jobs; candidate != null && freeCount > 0 && waiting == 0; candidate = candidate.Next)
            {
                if (!candidate.HasItems) continue;
                candidate.HelperJoined();
                job = candidate;
                place = free[--freeCount];
                return true;
            }
        }

        job = null!;
        place = null!;
        return false;
    }

    private bool SpinUntilPublished(int seen)
    {
        long start = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalMicroseconds < SpinMicroseconds)
        {
            if (Volatile.Read(ref published) != seen) return true;
            Thread.SpinWait(20);
        }

        return false;
    }

    /// <summary>Sleeps until something is published; false when the pool is disposed.</summary>
    private bool Sleep(int seen)
    {
        lock (idleGate)
        {
            Interlocked.Increment(ref idle);
            while (Volatile.Read(ref published) == seen && !Volatile.Read(ref disposed)) Monitor.Wait(idleGate);
            Interlocked.Decrement(ref idle);
            return !Volatile.Read(ref disposed);
        }
    }
}
