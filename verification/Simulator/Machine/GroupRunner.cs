using System.Runtime.InteropServices;
using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>
/// Runs groups lane by lane. A lane runs until it needs others (a barrier, a shuffle) or ends; then the next lane of its warp runs,
/// then the next warp. All of this happens on whichever thread of the set holds the baton, so nothing here needs a lock.
/// </summary>
internal sealed unsafe partial class GroupRunner : IDisposable
{
    private readonly ManualResetEventSlim _done = new();
    private readonly AccessChecker _checker;
    private LaneThreadSet? _threads;
    private KernelCall _call = null!;
    private Lane[] _lanes = [];
    private int _laneCount;
    private int _cursor;
    private int _warp;
    private long _group;
    private long _groupCount;
    private long _groupSerial;

    public GroupRunner(SimulatorOptions options)
    {
        Options = options;
        Arena = new SharedArena(this);
        Copies = new AsyncCopies(this);
        _checker = new AccessChecker(this);
        Logs = new AccessLog[options.WarpSize];
        for (int i = 0; i < Logs.Length; i++)
            Logs[i] = new AccessLog();
        WarpExchange = (byte*)NativeMemory.AlignedAlloc((nuint)(options.WarpSize * Lane.SlotBytes), 64);
    }

    public SimulatorOptions Options { get; }

    public int WarpSize => Options.WarpSize;

    public Index3D GridDim { get; private set; }

    public Index3D GroupDim { get; private set; }

    public Index3D GroupIndex { get; private set; }

    public SharedArena Arena { get; }

    public AsyncCopies Copies { get; }

    public FindingLog Findings { get; } = new();

    /// <summary>Values of the warp's last exchange, one slot a lane.</summary>
    public byte* WarpExchange { get; }

    public ulong WarpExchangeMask { get; private set; }

    public SiteTable Sites { get; } = new();

    /// <summary>Logs for the lanes of a warp. Only one warp has accesses that are not yet dealt with.</summary>
    public AccessLog[] Logs { get; }

    public RequestCounter Counter { get; } = new();

    /// <summary>Regions that the launch has touched, by their number in the access logs.</summary>
    public List<MemoryRegion> Regions { get; } = [];

    /// <summary>Number of the running launch.</summary>
    public long Launch { get; private set; }

    /// <summary>Serial number, over all launches, of the first group of the running launch.</summary>
    public long FirstGroupSerial { get; private set; }

    public long MostBarriers { get; private set; }

    public long UncountedAccesses { get; set; }

    public long WarpCollectives { get; private set; }

    /// <summary>An error of the runner itself, not of the kernel.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Runs all groups of a launch.</summary>
    public void Run(KernelCall call, Index3D grid, Index3D group, int dynamicSharedBytes)
    {
        _call = call;
        GridDim = grid;
        GroupDim = group;
        _groupCount = grid.LongSize;
        _group = -1;
        FirstGroupSerial = _groupSerial + 1;
        Launch++;
        Regions.Clear();
        Counter.Clear();
        UncountedAccesses = 0;
        MostBarriers = 0;
        WarpCollectives = 0;
        Failure = null;
        Findings.Clear();
        Arena.BeginLaunch(dynamicSharedBytes);
        SizeLanes(group);
        // The lanes count as done with a group before the first.
        _warp = WarpCount;
        _cursor = _laneCount;
        _done.Reset();
        _threads = LaneThreadSet.Rent();
        _threads.Take().Start(this, null);
        _done.Wait();
        LaneThreadSet.Return(_threads!);
        _threads = null;
        if (Failure is not null)
            throw new InvalidOperationException("The simulator failed.", Failure);
    }

    public void Dispose()
    {
        foreach (Lane lane in _lanes)
            lane.Free();
        _lanes = [];
        foreach (AccessLog log in Logs)
            log.Dispose();
        NativeMemory.AlignedFree(WarpExchange);
        Arena.Dispose();
        _done.Dispose();
    }

    /// <summary>Gives the region a number in the access logs of this launch.</summary>
    public void Register(MemoryRegion region)
    {
        region.Launch = Launch;
        region.Number = Regions.Count;
        Regions.Add(region);
    }

    /// <summary>Checks the accesses in the lane's log.</summary>
    public void CheckSlice(Lane lane) =>
        _checker.Check(lane, new Actor(_groupSerial, _barriers, _warpBarriers[lane.WarpIndex], lane.Linear));

    public Index3D IndexOfSerial(long groupSerial) => IndexOf(groupSerial - FirstGroupSerial);

    /// <summary>The loop of a thread with the baton: runs lanes until a suspended one must go on elsewhere, or no group is left.</summary>
    public void Drive(LaneThread thread, LaneThreadSet threads, Lane? lane)
    {
        while (true)
        {
            try
            {
                lane ??= Next();
            }
            catch (Exception e)
            {
                Failure = e;
            }
            if (lane is null)
            {
                threads.Park(thread);
                _done.Set();
                return;
            }
            if (lane.Thread is { } holder)
            {
                // Parked before the signal: from then on the other thread owns the set.
                threads.Park(thread);
                lane.Thread = null;
                holder.Baton.Signal();
                return;
            }
            Run(lane, thread);
            lane = null;
        }
    }

    /// <summary>Stops the running lane until <see cref="Next"/> has chosen it again; other lanes run meanwhile.</summary>
    public void Suspend(Lane lane)
    {
        lane.EndSlice();
        Lane next = Next()!;
        if (next == lane)
            return;

        LaneThread own = CurrentThread!;
        lane.Thread = own;
        if (next.Thread is { } holder)
        {
            next.Thread = null;
            holder.Baton.Signal();
        }
        else
        {
            _threads!.Take().Start(this, next);
        }
        own.Baton.Wait();
    }

    [ThreadStatic]
    private static LaneThread? CurrentThread;

    private int WarpCount => (_laneCount + WarpSize - 1) / WarpSize;

    private void Run(Lane lane, LaneThread thread)
    {
        CurrentThread = thread;
        Lane.Current = lane;
        try
        {
            _call.Invoke();
        }
        catch (LaneStopException)
        {
            lane.Failed = true;
        }
        catch (Exception e)
        {
            lane.Failed = true;
            ReportException(lane, e);
        }
        Lane.Current = null;
        lane.EndSlice();
        lane.State = LaneState.Done;
    }

    // The next lane to run, marked running; null after the last group.
    private Lane? Next()
    {
        while (true)
        {
            int end = Math.Min((_warp + 1) * WarpSize, _laneCount);
            while (_cursor < end)
            {
                Lane lane = _lanes[_cursor++];
                if (lane.State <= LaneState.Ready)
                {
                    lane.State = LaneState.Running;
                    return lane;
                }
            }
            if (_warp < WarpCount && Options is { Check: true, Count: true })
                Counter.Flush(_lanes.AsSpan(_warp * WarpSize, end - _warp * WarpSize), Regions);
            if (_warp < WarpCount && ResolveWarp(_warp))
                _cursor = _warp * WarpSize;
            else if (++_warp < WarpCount)
                _cursor = _warp * WarpSize;
            else if (ResolveGroup())
                _warp = _cursor = 0;
            else if (!BeginGroup())
                return null;
        }
    }

    private bool BeginGroup()
    {
        if (_group >= 0)
            MostBarriers = Math.Max(MostBarriers, _barriers);
        if (++_group == _groupCount)
            return false;
        _groupSerial++;
        GroupIndex = IndexOf(_group);
        for (int i = 0; i < _laneCount; i++)
            _lanes[i].Reset();
        Arena.BeginGroup();
        Copies.BeginGroup();
        _barriers = 0;
        Array.Clear(_warpBarriers);
        _warp = _cursor = 0;
        return true;
    }

    private Index3D IndexOf(long group)
    {
        long row = group / GridDim.X;
        return new Index3D((int)(group % GridDim.X), (int)(row % GridDim.Y), (int)(row / GridDim.Y));
    }

    private void SizeLanes(Index3D group)
    {
        _laneCount = group.Size;
        if (_lanes.Length < _laneCount)
        {
            int old = _lanes.Length;
            Array.Resize(ref _lanes, _laneCount);
            for (int i = old; i < _laneCount; i++)
                _lanes[i] = new Lane(this, i);
        }
        for (int i = 0; i < _laneCount; i++)
            _lanes[i].Place(group);
    }
}

/// <summary>Unwinds a lane that cannot go on; the finding has been made.</summary>
internal sealed class LaneStopException : Exception
{
}
