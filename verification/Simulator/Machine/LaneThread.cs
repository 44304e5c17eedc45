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

    // By the processors of ProcessorAffinity: sets that wait for a launch, and how many have one.
    private static readonly Stack<LaneThreadSet>[] Waiting =
        [.. Enumerable.Range(0, ProcessorAffinity.Count).Select(_ => new Stack<LaneThreadSet>())];
    private static readonly int[] Busy = new int[ProcessorAffinity.Count];

    private readonly Stack<LaneThread> _idle = new();
    private readonly int _place;

    private LaneThreadSet(int place) => _place = place;

    public int Processor => ProcessorAffinity.Processor(_place);

    /// <summary>A set on a processor that runs the fewest launches, starting at one that depends on the process.</summary>
    public static LaneThreadSet Rent()
    {
        lock (Gate)
        {
            int place = Environment.ProcessId % Busy.Length;
            for (int i = 0; i < Busy.Length; i++)
                if (Busy[i] < Busy[place]) place = i;
            Busy[place]++;
            return Waiting[place].TryPop(out LaneThreadSet? set) ? set : new LaneThreadSet(place);
        }
    }

    public static void Return(LaneThreadSet set)
    {
        lock (Gate)
        {
            Busy[set._place]--;
            Waiting[set._place].Push(set);
        }
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

    /// <summary>How many processors there are to choose from; 1 where threads cannot be bound.</summary>
    public static int Count => Math.Max(Allowed.Length, 1);

    /// <summary>The n-th of them, or -1.</summary>
    public static int Processor(int n) => Allowed.Length == 0 ? -1 : Allowed[n];

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
