using System.Runtime.CompilerServices;

namespace AttnKernels.Simulation;

/// <summary>What all lanes of a group do together.</summary>
internal static unsafe class GroupCollective
{
    public static void Barrier(Lane lane, string file, int line) => lane.Join(CollectiveKind.GroupBarrier, 0, 0, file, line);

    /// <summary>A barrier that counts the lanes whose predicate is true.</summary>
    public static int Vote(Lane lane, bool predicate, string file, int line)
    {
        lane.Join(CollectiveKind.GroupVote, predicate ? 1 : 0, 0, file, line);
        return *(int*)lane.Result;
    }

    public static T Broadcast<T>(Lane lane, T value, int source, string file, int line)
        where T : unmanaged
    {
        WarpCollective.CheckSize<T>();
        *(T*)lane.Deposit = value;
        lane.Join(CollectiveKind.GroupBroadcast, source, sizeof(T), file, line);
        return *(T*)lane.Result;
    }
}

/// <summary>
/// What all lanes of a warp do together. <see cref="Exchange{T}"/> is the one primitive: every lane deposits a value and sees
/// those of all lanes; shuffles pick one of them, other collective instructions compute with all.
/// </summary>
internal static unsafe class WarpCollective
{
    public static void Barrier(Lane lane, string file, int line) => lane.Join(CollectiveKind.WarpBarrier, 0, 0, file, line);

    /// <summary>Deposits <paramref name="value"/> and gives the values of all lanes, valid until the next collective operation.</summary>
    public static WarpValues<T> Exchange<T>(Lane lane, T value, string file, int line)
        where T : unmanaged
    {
        CheckSize<T>();
        *(T*)lane.Deposit = value;
        lane.Join(CollectiveKind.WarpExchange, 0, sizeof(T), file, line);
        return new WarpValues<T>(lane.Runner.WarpExchange, lane.Runner.WarpExchangeMask);
    }

    /// <summary>
    /// The value of lane <paramref name="source"/> of the warp. From outside the warp comes the lane's own value; that is a finding
    /// unless <paramref name="ownIfOutside"/>.
    /// </summary>
    public static T Shuffle<T>(Lane lane, T value, int source, bool ownIfOutside, string file, int line)
        where T : unmanaged
    {
        WarpValues<T> values = Exchange(lane, value, file, line);
        if (values.Has(source))
            return values[source];
        bool outside = (uint)source >= (uint)lane.Runner.WarpSize;
        if (!outside || !ownIfOutside)
            lane.Runner.ReportShuffleSource(lane, source, outside);
        return value;
    }

    /// <summary>
    /// <see cref="Shuffle{T}"/> inside sub-warps of <paramref name="width"/> lanes; <paramref name="source"/> counts from the first of one.
    /// </summary>
    public static T SubShuffle<T>(Lane lane, T value, int source, int width, string file, int line)
        where T : unmanaged
    {
        if (width < 1 || width > lane.Runner.WarpSize || (width & (width - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(width), width, "A sub-warp has a power of two lanes, at most a warp.");
        bool outside = (uint)source >= (uint)width;
        int first = lane.LaneInWarp / width * width;
        return Shuffle(lane, value, outside ? lane.LaneInWarp : first + source, ownIfOutside: true, file, line);
    }

    public static void CheckSize<T>()
    {
        if (Unsafe.SizeOf<T>() > Lane.SlotBytes)
            throw new NotSupportedException($"A collective operation passes at most {Lane.SlotBytes} bytes a lane; {typeof(T)} has more.");
    }
}

/// <summary>The values that the lanes of a warp deposited in an exchange.</summary>
internal readonly unsafe struct WarpValues<T>
    where T : unmanaged
{
    private readonly byte* _slots;
    private readonly ulong _present;

    public WarpValues(byte* slots, ulong present)
    {
        _slots = slots;
        _present = present;
    }

    public T this[int lane] => *(T*)(_slots + lane * Lane.SlotBytes);

    /// <summary>True if the lane took part.</summary>
    public bool Has(int lane) => (uint)lane < 64 && (_present >> lane & 1) != 0;
}
