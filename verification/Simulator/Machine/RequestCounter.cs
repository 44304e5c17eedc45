using System.Numerics;

namespace AttnKernels.Simulation;

/// <summary>Puts the accesses of a warp's lanes together to requests and counts what the memory system would do for them.</summary>
/// <remarks>
/// Lanes that access the same array at the same line make one request. Where lanes are at different lines, the lane that has most left
/// leads, but one that reaches the leader's line past fewer shared accesses than the leader its line is behind, and goes first: it took a
/// branch around device memory, after which a warp goes on together. In other branches inside a loop the pairing is an approximation.
/// </remarks>
internal sealed unsafe class RequestCounter
{
    private const int Banks = 32;
    private const int BankBytes = 4;
    private const int SectorBytes = 32;
    private const int MaxLanes = 64;

    /// <summary>How many accesses of a lane are looked through for another's line.</summary>
    private const int Ahead = 256;

    private readonly AccessRecord*[] _next = new AccessRecord*[MaxLanes];
    private readonly int[] _left = new int[MaxLanes];
    private readonly AccessRecord*[] _request = new AccessRecord*[MaxLanes];
    private readonly uint[] _bankCounts = new uint[Banks];
    private readonly ulong[] _bankWords = new ulong[Banks * MaxLanes];
    private readonly ulong[] _keys = new ulong[2 * MaxLanes];
    private SiteTotals[] _totals = [];

    public ReadOnlySpan<SiteTotals> Totals => _totals;

    public void Clear() => Array.Clear(_totals);

    /// <summary>Counts and clears the logs of a warp whose lanes have all stopped.</summary>
    public void Flush(ReadOnlySpan<Lane> warp, List<MemoryRegion> regions)
    {
        for (int i = 0; i < warp.Length; i++)
        {
            _next[i] = warp[i].Log.Start;
            _left[i] = warp[i].Log.Count;
        }
        while (true)
        {
            int leader = 0;
            for (int i = 1; i < warp.Length; i++)
            {
                if (_left[i] > _left[leader])
                    leader = i;
            }
            if (_left[leader] == 0)
                break;
            for (int i = 0; i < warp.Length; i++)
            {
                if (_left[i] > 0 && _next[i]->RequestKey != _next[leader]->RequestKey
                    && Distance(i, leader, regions) < Distance(leader, i, regions))
                    leader = i;
            }
            Count(_next[leader], warp.Length, regions);
        }
        foreach (Lane lane in warp)
            lane.Log.Clear();
    }

    /// <summary>Accesses of a lane before one at the line where another is now; a shared one counts more than all others.</summary>
    private int Distance(int lane, int other, List<MemoryRegion> regions)
    {
        uint key = _next[other]->RequestKey;
        int last = Math.Min(_left[lane], Ahead);
        int distance = 0;
        for (int n = 0; n < last; n++)
        {
            ref AccessRecord record = ref _next[lane][n];
            if (record.RequestKey == key)
                return distance;
            distance += regions[record.Region].IsShared ? Ahead : 1;
        }
        return int.MaxValue;
    }

    private void Count(AccessRecord* leader, int lanes, List<MemoryRegion> regions)
    {
        uint key = leader->RequestKey;
        byte bytes = leader->Bytes;
        AccessFlags flags = AccessFlags.None;
        int active = 0;
        for (int i = 0; i < lanes; i++)
        {
            _request[i] = null;
            if (_left[i] == 0 || _next[i]->RequestKey != key || _next[i]->Bytes != bytes)
                continue;
            _request[i] = _next[i]++;
            _left[i]--;
            flags |= _request[i]->Flags;
            active++;
        }
        if (leader->Site >= _totals.Length)
            Array.Resize(ref _totals, Math.Max(leader->Site + 1, 2 * _totals.Length));
        ref SiteTotals totals = ref _totals[leader->Site];
        if (regions[leader->Region].IsShared)
            totals.Shared += CountShared(lanes, bytes, active);
        else if ((flags & AccessFlags.Atomic) != 0)
            totals.Atomics += CountGlobal(lanes, bytes, active);
        else if ((flags & AccessFlags.WordsWritten) != 0)
            totals.Stores += CountGlobal(lanes, bytes, active);
        else
            totals.Loads += CountGlobal(lanes, bytes, active);
    }

    private GlobalCounters CountGlobal(int lanes, int bytes, int active)
    {
        // Addresses that rise from lane to lane, the usual case, need no sorting.
        ulong previous = 0, lastSector = 0;
        long sectors = 0, distinct = 0;
        for (int i = 0; i < lanes; i++)
        {
            if (_request[i] == null)
                continue;
            ulong address = (ulong)_request[i]->Address;
            if (address < previous)
                return CountGlobalSorted(lanes, bytes, active);
            if (address == previous)
                continue;
            distinct++;
            previous = address;
            ulong first = Math.Max(address / SectorBytes, lastSector + 1), last = (address + (ulong)bytes - 1) / SectorBytes;
            if (last >= first)
                sectors += (long)(last - first + 1);
            lastSector = last;
        }
        return new GlobalCounters(1, (long)active * bytes, sectors, (distinct * bytes + SectorBytes - 1) / SectorBytes);
    }

    private GlobalCounters CountGlobalSorted(int lanes, int bytes, int active)
    {
        int count = 0;
        for (int i = 0; i < lanes; i++)
        {
            if (_request[i] != null)
                _keys[count++] = (ulong)_request[i]->Address;
        }
        long distinct = Distinct(count);
        count = 0;
        for (int i = 0; i < lanes; i++)
        {
            if (_request[i] == null)
                continue;
            // An access of at most 16 bytes touches at most two sectors.
            ulong address = (ulong)_request[i]->Address;
            _keys[count++] = address / SectorBytes;
            _keys[count++] = (address + (ulong)bytes - 1) / SectorBytes;
        }
        return new GlobalCounters(1, (long)active * bytes, Distinct(count), (distinct * bytes + SectorBytes - 1) / SectorBytes);
    }

    private long Distinct(int count)
    {
        Span<ulong> keys = _keys.AsSpan(0, count);
        keys.Sort();
        long distinct = 0;
        for (int i = 0; i < keys.Length; i++)
        {
            if (i == 0 || keys[i] != keys[i - 1])
                distinct++;
        }
        return distinct;
    }

    private SharedCounters CountShared(int lanes, int bytes, int active)
    {
        // 128 bytes a pass: 32 lanes of 4 bytes, 16 of 8, 8 of 16.
        int lanesPerPass = Banks * BankBytes / Math.Max(BankBytes, (int)BitOperations.RoundUpToPowerOf2((uint)bytes));
        long wavefronts = 0, conflicts = 0;
        for (int begin = 0; begin < lanes; begin += lanesPerPass)
        {
            uint passes = Passes(begin, Math.Min(begin + lanesPerPass, lanes), bytes);
            wavefronts += passes;
            conflicts += passes > 1 ? passes - 1 : 0;
        }
        return new SharedCounters(1, (long)active * bytes, wavefronts, conflicts);
    }

    // The most distinct words that any bank must give.
    private uint Passes(int begin, int end, int bytes)
    {
        uint passes = 0;
        bool any = false;
        for (int lane = begin; lane < end; lane++)
        {
            if (_request[lane] == null)
                continue;
            if (!any)
                Array.Clear(_bankCounts);
            any = true;
            ulong word = (ulong)_request[lane]->Address / BankBytes;
            ulong last = ((ulong)_request[lane]->Address + (ulong)bytes - 1) / BankBytes;
            for (; word <= last; word++)
            {
                int bank = (int)(word % Banks);
                Span<ulong> words = _bankWords.AsSpan(bank * MaxLanes, MaxLanes);
                int count = (int)_bankCounts[bank];
                if (words[..count].Contains(word))
                    continue;
                words[count] = word;
                passes = Math.Max(passes, ++_bankCounts[bank]);
            }
        }
        return passes;
    }
}

/// <summary>The counters of a source line while they grow.</summary>
internal struct SiteTotals
{
    public GlobalCounters Loads;
    public GlobalCounters Stores;
    public GlobalCounters Atomics;
    public SharedCounters Shared;

    public readonly bool IsEmpty => Loads.Requests + Stores.Requests + Atomics.Requests + Shared.Requests == 0;
}
