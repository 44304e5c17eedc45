using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>What happens when no lane of a warp, or of the group, can go on alone.</summary>
internal sealed unsafe partial class GroupRunner
{
    private readonly long[] _warpBarriers = new long[1024];
    private long _barriers;

    public void Report(FindingKind kind, Lane lane, string array, long index, int otherLane, Site site, string message) =>
        Findings.Add(kind, array, index, lane.Linear, otherLane, GroupIndex, site, message);

    public void ReportShuffleSource(Lane lane, int source, bool outside)
    {
        int other = outside ? -1 : lane.WarpIndex * WarpSize + source;
        string what = outside ? $"there is no such lane in a warp of {WarpSize}" : "it takes no part";
        Report(FindingKind.ShuffleMissingLanes, lane, "", -1, other, lane.CollectiveSite,
            $"lane {lane.Linear} wants the value of lane {source} of its warp, but {what}.");
    }

    private void ReportException(Lane lane, Exception e)
    {
        // The innermost line of the kernel's own: the kernel API lies in this assembly.
        StackFrame? frame = new StackTrace(e, fNeedFileInfo: true).GetFrames()
            .FirstOrDefault(x => x.GetFileName() is not null && x.GetMethod()?.DeclaringType?.Assembly != typeof(GroupRunner).Assembly);
        Site site = frame is null ? default : new Site(frame.GetFileName()!, frame.GetFileLineNumber());
        Report(FindingKind.LaneException, lane, "", -1, -1, site, $"lane {lane.Linear} ended with {e.GetType().Name}: {e.Message}");
    }

    // Lets the lanes of a warp through that wait for each other; false if none does.
    private bool ResolveWarp(int warp)
    {
        int begin = warp * WarpSize;
        int end = Math.Min(begin + WarpSize, _laneCount);
        int first = begin;
        while (first < end && _lanes[first].State != LaneState.AtWarp)
            first++;
        if (first == end)
            return false;

        // Lanes elsewhere are missing. Those that wait at another warp operation get their turn after this one.
        Lane leader = _lanes[first];
        WarpExchangeMask = 0;
        for (int i = begin; i < end; i++)
        {
            Lane lane = _lanes[i];
            if (lane.State != LaneState.AtWarp || lane.Collective != leader.Collective || lane.CollectiveSite != leader.CollectiveSite)
            {
                ReportMissing(leader, lane);
                continue;
            }
            WarpExchangeMask |= 1UL << (i - begin);
            Unsafe.CopyBlock(WarpExchange + (i - begin) * Lane.SlotBytes, lane.Deposit, (uint)lane.ValueBytes);
        }
        for (ulong rest = WarpExchangeMask; rest != 0; rest &= rest - 1)
            _lanes[begin + BitOperations.TrailingZeroCount(rest)].State = LaneState.Ready;
        if (leader.Collective == CollectiveKind.WarpBarrier)
            _warpBarriers[warp]++;
        WarpCollectives++;
        return true;
    }

    // Lets the lanes of the group through that wait at a barrier; false if none does.
    private bool ResolveGroup()
    {
        Lane? leader = null;
        int votes = 0;
        for (int i = 0; i < _laneCount; i++)
        {
            Lane lane = _lanes[i];
            if (lane.State != LaneState.AtGroup)
                continue;
            leader ??= lane;
            votes += lane.Operand;
        }
        if (leader is null)
            return false;

        for (int i = 0; i < _laneCount; i++)
        {
            Lane lane = _lanes[i];
            if (lane.State != LaneState.AtGroup || lane.Collective != leader.Collective || lane.CollectiveSite != leader.CollectiveSite)
                ReportMissing(leader, lane);
            if (lane.State != LaneState.AtGroup)
                continue;
            if (lane.Collective == CollectiveKind.GroupVote)
                *(int*)lane.Result = votes;
            else if (lane.Collective == CollectiveKind.GroupBroadcast)
                PassBroadcast(lane);
            lane.State = LaneState.Ready;
        }
        _barriers++;
        return true;
    }

    private void PassBroadcast(Lane lane)
    {
        Lane source = lane;
        if ((uint)lane.Operand < (uint)_laneCount)
            source = _lanes[lane.Operand];
        else
            ReportShuffleSource(lane, lane.Operand, outside: true);
        Unsafe.CopyBlock(lane.Result, source.Deposit, (uint)lane.ValueBytes);
    }

    private void ReportMissing(Lane leader, Lane missing)
    {
        // A lane that failed has its own finding; that it is missing says nothing new.
        if (missing.Failed)
            return;
        bool isGroup = leader.Collective < CollectiveKind.WarpBarrier;
        string where = missing.State == LaneState.Done
            ? "has ended"
            : $"waits at the {Describe(missing.Collective)} of {missing.CollectiveSite}";
        Report(
            isGroup || leader.Collective == CollectiveKind.WarpBarrier ? FindingKind.BarrierDivergence : FindingKind.ShuffleMissingLanes,
            leader, "", -1, missing.Linear, leader.CollectiveSite,
            $"lane {leader.Linear} waits at the {Describe(leader.Collective)}, but lane {missing.Linear} {where}.");
    }

    private static string Describe(CollectiveKind kind) => kind switch
    {
        CollectiveKind.GroupBarrier => "group barrier",
        CollectiveKind.GroupVote => "group vote",
        CollectiveKind.GroupBroadcast => "group broadcast",
        CollectiveKind.WarpBarrier => "warp barrier",
        _ => "shuffle",
    };
}
