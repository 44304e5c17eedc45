using System.Runtime.InteropServices;
using ILGPU;

namespace AttnKernels.Simulation;

internal enum LaneState : byte
{
    Fresh,
    Ready,
    Running,
    AtGroup,
    AtWarp,
    Done,
}

/// <summary>What a suspended lane waits for.</summary>
internal enum CollectiveKind : byte
{
    GroupBarrier,
    GroupVote,
    GroupBroadcast,
    WarpBarrier,
    WarpExchange,
}

/// <summary>One lane of the group that a runner runs; used again for every group.</summary>
internal sealed unsafe class Lane
{
    /// <summary>Most bytes that a lane can pass in a collective operation.</summary>
    public const int SlotBytes = 256;

    /// <summary>The lane that this thread runs or holds suspended.</summary>
    [ThreadStatic]
    public static Lane? Current;

    private readonly byte* _slots;
    private readonly bool _check;
    private readonly bool _count;
    private readonly bool _logGlobal;
    private int _allocations;
    private long _dropped;

    public Lane(GroupRunner runner, int linear)
    {
        Runner = runner;
        Linear = linear;
        _check = runner.Options.Check;
        _count = runner.Options.Count;
        _logGlobal = _count || runner.Options.CheckGlobalRaces;
        _slots = (byte*)NativeMemory.AlignedAlloc(3 * SlotBytes, 64);
    }

    public static Lane Here => Current ?? throw new InvalidOperationException("This is only known inside a running kernel.");

    public GroupRunner Runner { get; }

    public int Linear { get; }

    public Index3D Index { get; private set; }

    public int WarpIndex { get; private set; }

    public int LaneInWarp { get; private set; }

    public LaneState State { get; set; }

    /// <summary>The thread that holds the lane suspended.</summary>
    public LaneThread? Thread { get; set; }

    /// <summary>True if the lane ended by an exception, so that its absence elsewhere is no finding of its own.</summary>
    public bool Failed { get; set; }

    /// <summary>What the lane has accessed; shared with the lanes at the same place of other warps.</summary>
    public AccessLog Log { get; private set; } = null!;

    public CollectiveKind Collective { get; private set; }

    public Site CollectiveSite { get; private set; }

    /// <summary>Size of the value that the lane passes in the collective operation.</summary>
    public int ValueBytes { get; private set; }

    /// <summary>The lane's truth value in a vote, or the number of the lane whose value it wants.</summary>
    public int Operand { get; private set; }

    /// <summary>What the lane passes.</summary>
    public byte* Deposit => _slots;

    /// <summary>What others passed to this lane.</summary>
    public byte* Result => _slots + SlotBytes;

    /// <summary>Where faulty accesses of at most <see cref="SlotBytes"/> bytes end up.</summary>
    public byte* Scratch => _slots + 2 * SlotBytes;

    /// <summary>Gives the lane its place in groups of these dimensions.</summary>
    public void Place(Index3D group)
    {
        Index = new Index3D(Linear % group.X, Linear / group.X % group.Y, Linear / (group.X * group.Y));
        WarpIndex = Linear / Runner.WarpSize;
        LaneInWarp = Linear % Runner.WarpSize;
        Log = Runner.Logs[LaneInWarp];
    }

    public void Reset()
    {
        State = LaneState.Fresh;
        Thread = null;
        Failed = false;
        _allocations = 0;
    }

    public void Free() => NativeMemory.AlignedFree(_slots);

    /// <summary>Suspends the lane until its group or warp has gone through the collective operation.</summary>
    public void Join(CollectiveKind kind, int operand, int valueBytes, string file, int line)
    {
        Collective = kind;
        CollectiveSite = new Site(file, line);
        Operand = operand;
        ValueBytes = valueBytes;
        State = kind >= CollectiveKind.WarpBarrier ? LaneState.AtWarp : LaneState.AtGroup;
        Runner.Suspend(this);
    }

    public ArrayView<T> AllocateShared<T>(int extent, string file, int line)
        where T : unmanaged
    {
        ArgumentOutOfRangeException.ThrowIfNegative(extent);
        MemoryRegion region = Runner.Arena.Allocate(this, _allocations++, typeof(T), sizeof(T), extent, new Site(file, line));
        return new ArrayView<T>(_check ? region : null, region.Start, Math.Min(extent, region.Bytes / sizeof(T)));
    }

    public ArrayView<T> DynamicShared<T>()
        where T : unmanaged
    {
        MemoryRegion? region = Runner.Arena.Dynamic;
        return region is null ? default : new ArrayView<T>(_check ? region : null, region.Start, region.Bytes / sizeof(T));
    }

    /// <summary>Notes an access that is inside its array and about to happen.</summary>
    public void Touch(byte* address, int bytes, MemoryRegion region, string file, int line)
    {
        if (!_logGlobal && !region.IsShared)
            return;
        if (region.Launch != Runner.Launch)
            Runner.Register(region);
        if (region.IsShared)
            Runner.Copies.CheckTouch(this, address, bytes, region, new Site(file, line));
        int site = Runner.Sites.NumberOf(file, line);
        if (Log.IsFull)
            DropLog(file, line);
        for (; bytes > AccessRecord.MaxBytes; bytes -= AccessRecord.MaxBytes, address += AccessRecord.MaxBytes)
            Log.Add(address, AccessRecord.MaxBytes, region.Number, site);
        Log.Add(address, bytes, region.Number, site);
    }

    /// <summary>The lane is about to stop for others, or has ended: looks at what it did since it went on.</summary>
    public void EndSlice()
    {
        _dropped = 0;
        if (Log.Count == 0)
            return;
        Runner.CheckSlice(this);
        if (!_count)
            Log.Clear();
    }

    // Checks what the full log holds and starts it anew, if the lane may go on.
    private void DropLog(string file, int line)
    {
        Runner.CheckSlice(this);
        _dropped += Log.Count;
        if (_count)
            Runner.UncountedAccesses += Log.Count;
        Log.Clear();
        if (_dropped < Runner.Options.MaxAccessesBetweenStops)
            return;
        Runner.Report(FindingKind.Endless, this, "", -1, -1, new Site(file, line),
            $"lane {Linear} made {_dropped} accesses without an end or a barrier, and was ended.");
        throw new LaneStopException();
    }
}
