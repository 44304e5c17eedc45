using System.Runtime.InteropServices;

namespace AttnKernels.Simulation;

/// <summary>A pooled thread with a small stack. It holds the baton of its set, or it waits: idle, or inside a suspended lane.</summary>
internal sealed class LaneThread
{
    private const int StackBytes = 256 * 1024;

    private readonly LaneThreadSet _set;
    private GroupRunner? _runner;
    private Lane? _lane;

    public LaneThread(LaneThreadSet set)
    {
        _set = set;
        new Thread(Main, StackBytes) { IsBackground = true, Name = "simulator lane" }.Start();
    }

    public Baton Baton { get; } = Baton.Create();

    /// <summary>Passes the baton to this idle thread: it runs <paramref name="lane"/>, or what the runner says is next.</summary>
    public void Start(GroupRunner runner, Lane? lane)
    {
        _runner = runner;
        _lane = lane;
        Baton.Signal();
    }

    private void Main()
    {
        ProcessorAffinity.Pin(_set.Processor);
        while (true)
        {
            Baton.Wait();
            _runner!.Drive(this, _set, _lane);
        }
    }
}

/// <summary>
/// Threads that pass one baton among them. They share a processor: to wake a thread there costs a third of waking it elsewhere.
/// </summary>
internal sealed class LaneThreadSet
{
    private static readonly Lock Gate = new();
    private static readonly Stack<LaneThreadSet> Idle = new();
    private static int _created;

    private readonly Stack<LaneThread> _idle = new();

    private LaneThreadSet(int processor)
    {
        Processor = processor;
    }

    public int Processor { get; }

    public static LaneThreadSet Rent()
    {
        lock (Gate)
        {
            return Idle.TryPop(out LaneThreadSet? set) ? set : new LaneThreadSet(ProcessorAffinity.Choose(_created++));
        }
    }

    public static void Return(LaneThreadSet set)
    {
        lock (Gate)
            Idle.Push(set);
    }

    // Only the holder of the baton calls these two.
    public LaneThread Take() => _idle.TryPop(out LaneThread? thread) ? thread : new LaneThread(this);

    public void Park(LaneThread thread) => _idle.Push(thread);
}

/// <summary>Binds threads to processors where the system lets us; elsewhere it does nothing.</summary>
internal static unsafe partial class ProcessorAffinity
{
    private const int MaskWords = 16;

    private static readonly int[] Allowed = ReadAllowed();

    /// <summary>A processor for the n-th set of threads, or -1.</summary>
    public static int Choose(int set) => Allowed.Length == 0 ? -1 : Allowed[(Environment.ProcessId + set) % Allowed.Length];

    public static void Pin(int processor)
    {
        if (processor < 0)
            return;
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        _ = SetAffinity(0, MaskWords * sizeof(ulong), mask);
    }

    private static int[] ReadAllowed()
    {
        if (!OperatingSystem.IsLinux())
            return [];
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        if (GetAffinity(0, MaskWords * sizeof(ulong), mask) < 0)
            return [];
        var allowed = new List<int>();
        for (int i = 0; i < MaskWords * 64; i++)
        {
            if ((mask[i / 64] >> (i % 64) & 1) != 0)
                allowed.Add(i);
        }
        return [.. allowed];
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint bytes, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nint bytes, ulong* mask);
}
