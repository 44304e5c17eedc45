using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Simulation;

/// <summary>
/// Looks at what a lane did between two stops: which accesses were writes, and whether they race with those of other lanes or
/// read shared memory that nobody wrote.
/// </summary>
/// <remarks>
/// A write is an access after which the bytes differ from before. So a lane that writes what is there already looks like a
/// reader, and of several accesses to one element in one slice, those before the last change may count as writes or reads.
/// Everything found is real; a race can hide behind equal values.
/// </remarks>
internal sealed unsafe class AccessChecker
{
    private static readonly Vector128<byte>[] SizeMasks = MakeSizeMasks();

    private readonly GroupRunner _runner;
    private readonly LaterValues _later = new();

    public AccessChecker(GroupRunner runner)
    {
        _runner = runner;
    }

    /// <summary>Checks the records from <paramref name="first"/> on.</summary>
    public void Check(Lane lane, AccessRecord* records, int first, int count, Actor actor)
    {
        FindWrites(records, first, count);
        bool globalRaces = _runner.Options.CheckGlobalRaces;
        for (int i = first; i < count; i++)
        {
            AccessRecord* record = records + i;
            MemoryRegion region = _runner.Regions[record->Region];
            if (region.IsShared || globalRaces)
                CheckRecord(lane, record, region, actor);
        }
    }

    // Goes backwards, so that what a later access found there says what an earlier one left.
    private void FindWrites(AccessRecord* records, int first, int count)
    {
        _later.Clear();
        for (int i = count - 1; i >= first; i--)
        {
            AccessRecord* record = records + i;
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

    private void CheckRecord(Lane lane, AccessRecord* record, MemoryRegion region, Actor actor)
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

        ShadowCell* cell = shadow.At(offset);
        int step = 1 << shadow.Shift;
        for (int at = 0; at < record->Bytes; at += step, cell++)
        {
            bool writes = isAtomic || ((int)flags >> (at >> 2) & 1) != 0;
            if (region.IsShared && reads && record->Bytes > 1 && (cell->Writer.IsNone || !cell->Writer.SameGroup(actor)))
            {
                ReportUninitialised(lane, record, region);
                reads = false;
            }
            CheckCell(lane, cell, record, region, actor, writes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CheckCell(Lane lane, ShadowCell* cell, AccessRecord* record, MemoryRegion region, Actor actor, bool writes)
    {
        if (IsRace(cell->Writer, actor, region))
            ReportRace(lane, record, region, actor, writes, cell->Writer, cell->WriterSite, "writes");
        if (!writes)
        {
            AddReader(cell, actor, record->Site, region);
            return;
        }
        if (IsRace(cell->Reader, actor, region))
            ReportRace(lane, record, region, actor, writes, cell->Reader, cell->ReaderSite, "accesses");
        else if (IsRace(cell->OtherReader, actor, region))
            ReportRace(lane, record, region, actor, writes, cell->OtherReader, cell->OtherReaderSite, "accesses");
        cell->Writer = actor;
        cell->WriterSite = record->Site;
    }

    private void AddReader(ShadowCell* cell, Actor actor, ushort site, MemoryRegion region)
    {
        Actor reader = cell->Reader;
        if (reader == actor)
            return;
        // A reader that is ordered with this one need not be kept: what races with it later races with this one too, but for
        // lanes of other warps, and those the second reader stands for.
        if (reader.IsNone || !IsUnordered(reader, actor, region))
        {
            cell->Reader = actor;
            cell->ReaderSite = site;
            if (!reader.IsNone && !IsUnordered(cell->OtherReader, actor, region))
                cell->OtherReader = default;
            return;
        }
        Actor other = cell->OtherReader;
        if (other.IsNone || !IsUnordered(other, actor, region) || !FarApart(reader, other))
        {
            cell->OtherReader = actor;
            cell->OtherReaderSite = site;
        }
    }

    private bool FarApart(Actor first, Actor second) =>
        !first.SameGroup(second) || first.Lane / _runner.WarpSize != second.Lane / _runner.WarpSize;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsRace(Actor earlier, Actor actor, MemoryRegion region) =>
        !earlier.IsNone && !(earlier.IsAtomic && actor.IsAtomic) && IsUnordered(earlier, actor, region);

    private bool IsUnordered(Actor earlier, Actor actor, MemoryRegion region)
    {
        if (earlier.SameGroup(actor))
            return !earlier.IsOrderedInGroup(actor, _runner.WarpSize);
        // Shared memory of another group is other memory; a launch is ordered after the one before.
        return !region.IsShared && earlier.GroupSerial >= _runner.FirstGroupSerial;
    }

    private void ReportRace(
        Lane lane, AccessRecord* record, MemoryRegion region, Actor actor, bool writes, Actor earlier, ushort earlierSite, string earlierDoes)
    {
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

/// <summary>For the changed elements of a slice, what the next access found there. A small hash table; what does not fit is forgotten.</summary>
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
