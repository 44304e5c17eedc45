using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Simulation;

/// <summary>
/// Looks at what a lane did between two stops: which accesses were writes, and whether they race with those of other lanes or
/// read shared memory that nobody wrote.
/// </summary>
/// <remarks>
/// A write is an access after which the bytes differ from before, or one on a line that only stores (<see cref="StoreSites"/>). Elsewhere,
/// as in <c>x[i] += y[i]</c>, a lane that writes what is there already looks like a reader, and of several accesses to one element in one
/// slice, those before the last change may count as writes or reads. Whether an access is seen does not depend on values.
/// </remarks>
internal sealed unsafe class AccessChecker
{
    private static readonly Vector128<byte>[] SizeMasks = MakeSizeMasks();

    private readonly GroupRunner _runner;
    private readonly LaterValues _later = new();
    private readonly int _warpShift;

    public AccessChecker(GroupRunner runner)
    {
        _runner = runner;
        _warpShift = BitOperations.Log2((uint)runner.WarpSize);
    }

    private interface ISpace
    {
        static abstract bool IsShared { get; }
    }

    /// <summary>Checks the accesses in the lane's log.</summary>
    public void Check(Lane lane, Actor actor)
    {
        AccessRecord* records = lane.Log.Start;
        int count = lane.Log.Count;
        FindWrites(records, count, lane.Failed);
        bool globalRaces = _runner.Options.CheckGlobalRaces;
        int number = -1;
        MemoryRegion region = null!;
        for (int i = 0; i < count; i++)
        {
            AccessRecord* record = records + i;
            if (record->Region != number)
            {
                number = record->Region;
                region = _runner.Regions[number];
            }
            if (region.IsShared)
                CheckRecord<SharedSpace>(lane, record, region, actor);
            else if (globalRaces)
                CheckRecord<GlobalSpace>(lane, record, region, actor);
        }
    }

    // Goes backwards, so that what a later access found there says what an earlier one left.
    private void FindWrites(AccessRecord* records, int count, bool failed)
    {
        _later.Clear();
        for (int i = count - 1; i >= 0; i--)
        {
            AccessRecord* record = records + i;
            // A lane that ended by an exception may not have come to the store.
            if (!failed && _runner.Sites.IsStore(record->Site)) record->Flags |= WordsOf(record->Bytes);
            Vector128<byte> mask = SizeMasks[record->Bytes];
            Vector128<byte> difference = (record->Before ^ Vector128.Load(record->Address)) & mask;
            if (difference == Vector128<byte>.Zero)
                continue;
            if (_later.Exchange(record->Address, record->Before, out Vector128<byte> after))
                difference = (record->Before ^ after) & mask;
            uint same = Vector128.Equals(difference.AsUInt32(), Vector128<uint>.Zero).ExtractMostSignificantBits();
            record->Flags |= (AccessFlags)(~same & (uint)AccessFlags.WordsWritten);
        }
    }

    private static AccessFlags WordsOf(int bytes) => (AccessFlags)((1 << ((bytes + 3) / 4)) - 1);

    private void CheckRecord<TSpace>(Lane lane, AccessRecord* record, MemoryRegion region, Actor actor)
        where TSpace : struct, ISpace
    {
        Shadow shadow = region.Shadow;
        long offset = record->Address - region.Start;
        shadow.Refine(offset, record->Bytes);
        AccessFlags flags = record->Flags;
        bool isAtomic = (flags & AccessFlags.Atomic) != 0;
        if (isAtomic)
            actor = actor.AsAtomic();
        // Parts of a vector that kept their value were written too if the rest was, so only an access that changed nothing reads.
        bool reads = isAtomic ? (flags & AccessFlags.Blind) == 0 : (flags & AccessFlags.WordsWritten) == 0;
        bool mustBeWritten = TSpace.IsShared && reads && record->Bytes > 1;

        ShadowCell* cell = shadow.At(offset);
        int step = 1 << shadow.Shift;
        for (int at = 0; at < record->Bytes; at += step, cell++)
        {
            if (mustBeWritten && !cell->Writer.SameGroup(actor))
            {
                ReportUninitialised(lane, record, region);
                mustBeWritten = false;
            }
            if (IsUnordered<TSpace>(cell->Writer, actor) && !(isAtomic && cell->Writer.IsAtomic))
                ReportRace(lane, record, region, actor, cell->Writer, cell->WriterSite, "writes");
            if (isAtomic || ((int)flags >> (at >> 2) & 1) != 0)
                Write<TSpace>(lane, cell, record, region, actor);
            else if (cell->Reader != actor && cell->OtherReader != actor)
                Read<TSpace>(cell, actor, record->Site);
        }
    }

    private void Write<TSpace>(Lane lane, ShadowCell* cell, AccessRecord* record, MemoryRegion region, Actor actor)
        where TSpace : struct, ISpace
    {
        if (IsUnordered<TSpace>(cell->Reader, actor))
            ReportRace(lane, record, region, actor, cell->Reader, cell->ReaderSite, "accesses");
        else if (IsUnordered<TSpace>(cell->OtherReader, actor))
            ReportRace(lane, record, region, actor, cell->OtherReader, cell->OtherReaderSite, "accesses");
        cell->Writer = actor;
        cell->WriterSite = record->Site;
    }

    // Two readers are enough. Between two barriers warps run one after another, so a writer is unordered with every reader of an
    // earlier warp, and among those of its own warp since the last warp barrier one of two is not the writer itself.
    private void Read<TSpace>(ShadowCell* cell, Actor actor, ushort site)
        where TSpace : struct, ISpace
    {
        if (!IsUnordered<TSpace>(cell->Reader, actor))
        {
            cell->Reader = actor;
            cell->ReaderSite = site;
        }
        else if (!IsUnordered<TSpace>(cell->OtherReader, actor))
        {
            cell->OtherReader = actor;
            cell->OtherReaderSite = site;
        }
    }

    /// <summary>True if there is an earlier actor and nothing orders the two.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsUnordered<TSpace>(Actor earlier, Actor actor)
        where TSpace : struct, ISpace
    {
        if (earlier.SameInterval(actor))
            return !earlier.SameLane(actor) && (earlier.SameWarpBarriers(actor) || earlier.Warp(_warpShift) != actor.Warp(_warpShift));
        // Shared memory of another group is other memory; a launch is ordered after the one before.
        return !TSpace.IsShared && !earlier.SameGroup(actor) && earlier.GroupSerial >= _runner.FirstGroupSerial;
    }

    private void ReportRace(
        Lane lane, AccessRecord* record, MemoryRegion region, Actor actor, Actor earlier, ushort earlierSite, string earlierDoes)
    {
        bool writes = (record->Flags & (AccessFlags.WordsWritten | AccessFlags.Atomic)) != 0;
        Site site = _runner.Sites[record->Site];
        long index = (record->Address - region.Start) / record->Bytes;
        string group = earlier.SameGroup(actor) ? "" : $" of group {_runner.IndexOfSerial(earlier.GroupSerial)}";
        _runner.Report(
            region.IsShared ? FindingKind.SharedRace : FindingKind.GlobalRace, lane, region.Name, index, earlier.Lane, site,
            $"lane {lane.Linear} {(writes ? "writes" : "accesses")} element {index} of {region.Name}, which lane {earlier.Lane}{group} "
            + $"{earlierDoes} at {_runner.Sites[earlierSite]} with no barrier between.");
    }

    private void ReportUninitialised(Lane lane, AccessRecord* record, MemoryRegion region)
    {
        long index = (record->Address - region.Start) / record->Bytes;
        _runner.Report(FindingKind.UninitialisedShared, lane, region.Name, index, -1, _runner.Sites[record->Site],
            $"lane {lane.Linear} reads element {index} of {region.Name}, which no lane of the group has written.");
    }

    private readonly struct SharedSpace : ISpace
    {
        public static bool IsShared => true;
    }

    private readonly struct GlobalSpace : ISpace
    {
        public static bool IsShared => false;
    }

    private static Vector128<byte>[] MakeSizeMasks()
    {
        var masks = new Vector128<byte>[AccessRecord.MaxBytes + 1];
        for (int bytes = 0; bytes <= AccessRecord.MaxBytes; bytes++)
        {
            for (int i = 0; i < bytes; i++)
                masks[bytes] = masks[bytes].WithElement(i, (byte)0xFF);
        }
        return masks;
    }
}

/// <summary>For the changed elements of a slice, what the next access found there: a hash table that forgets what does not fit.</summary>
internal sealed unsafe class LaterValues
{
    private const int Slots = 1 << 12;
    private const int Probes = 8;

    private readonly byte*[] _addresses = new byte*[Slots];
    private readonly Vector128<byte>[] _values = new Vector128<byte>[Slots];
    private readonly uint[] _stamps = new uint[Slots];
    private uint _stamp;

    public void Clear()
    {
        if (++_stamp != 0)
            return;
        Array.Clear(_stamps);
        _stamp = 1;
    }

    /// <summary>Gives the value kept for the address, if any, and keeps the new one.</summary>
    public bool Exchange(byte* address, Vector128<byte> value, out Vector128<byte> old)
    {
        uint slot = (uint)((ulong)address * 0x9E3779B97F4A7C15 >> 40);
        for (int i = 0; i < Probes; i++)
        {
            uint at = (slot + (uint)i) & (Slots - 1);
            bool taken = _stamps[at] == _stamp;
            if (taken && _addresses[at] != address)
                continue;
            old = _values[at];
            _addresses[at] = address;
            _values[at] = value;
            _stamps[at] = _stamp;
            return taken;
        }
        old = default;
        return false;
    }
}
