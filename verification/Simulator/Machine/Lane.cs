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
    private int _allocations;

    public Lane(GroupRunner runner, int linear)
    {
        Runner = runner;
        Linear = linear;
        _check = runner.Options.Check;
        _slots = (byte*)NativeMemory.AlignedAlloc(3 * SlotBytes, 64);
    }

    public static Lane Here => Current ?? throw new InvalidOperationException("This is only known inside a running kernel.");

    public GroupRunner Runner { get; }

    public int Linear { get; }

    public Index3D Index { get; set; }

    public int WarpIndex { get; set; }

    public int LaneInWarp { get; set; }

    public LaneState State { get; set; }

    /// <summary>The thread that holds the lane suspended.</summary>
    public LaneThread? Thread { get; set; }

    /// <summary>True if the lane ended by an exception, so that its absence elsewhere is no finding of its own.</summary>
    public bool Failed { get; set; }

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

    public void TouchShared(byte* address, int bytes, string file, int line)
    {
    }

    public void TouchGlobal(byte* address, int bytes, MemoryRegion region, string file, int line)
    {
    }

    /// <summary>The lane is about to stop for others, or has ended: looks at what it did since it went on.</summary>
    public void EndSlice()
    {
    }
}

/// <summary>A line of source.</summary>
internal readonly record struct Site(string File, int Line)
{
    public override string ToString() => Line == 0 ? "unknown line" : $"{Path.GetFileName(File)}:{Line}";
}
