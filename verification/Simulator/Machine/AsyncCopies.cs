namespace AttnKernels.Simulation;

/// <summary>
/// Copies to shared memory that lanes of the group have started and not yet waited for. The bytes are taken at the start and arrive at the
/// lane's wait: until then the destination holds other bits, and whoever touches it is reported.
/// </summary>
internal sealed unsafe class AsyncCopies(GroupRunner runner)
{
    public const int Bytes = 16;

    private readonly Dictionary<nint, int> _pending = [];
    private readonly List<Copy> _copies = [];

    /// <summary>Closed batches of every lane.</summary>
    private readonly Dictionary<int, int> _batches = [];

    public void BeginGroup()
    {
        _pending.Clear();
        _copies.Clear();
        _batches.Clear();
    }

    /// <summary>Starts a copy; <paramref name="value"/> is what the source holds, or zeros.</summary>
    public void Start(Lane lane, byte* target, MemoryRegion? region, UInt128 value, Site site)
    {
        CheckTouch(lane, target, Bytes, region, site);
        if (region is not null) lane.Touch(target, Bytes, region, site.File, site.Line);
        Overwrite((uint*)target, (uint*)&value);
        _copies.Add(new Copy(lane.Linear, Closed(lane), (nint)target, region, value, site));
        _pending[(nint)target] = lane.Linear;
    }

    /// <summary>The lane's copies since the last call are a batch.</summary>
    public void Commit(Lane lane) => _batches[lane.Linear] = Closed(lane) + 1;

    /// <summary>The lane's batches but the newest arrive.</summary>
    public void WaitForOlder(Lane lane) => Wait(lane, Closed(lane) - 1);

    /// <summary>The lane's copies arrive.</summary>
    public void Wait(Lane lane) => Wait(lane, int.MaxValue);

    private int Closed(Lane lane) => _batches.GetValueOrDefault(lane.Linear);

    private void Wait(Lane lane, int endBatch)
    {
        for (int i = 0; i < _copies.Count; i++)
        {
            Copy copy = _copies[i];
            if (copy.Lane != lane.Linear || copy.Batch >= endBatch) continue;
            _pending.Remove(copy.Target);
            if (copy.Region is not null) lane.Touch((byte*)copy.Target, Bytes, copy.Region, copy.Site.File, copy.Site.Line);
            *(UInt128*)copy.Target = copy.Value;
        }
        _copies.RemoveAll(copy => copy.Lane == lane.Linear && copy.Batch < endBatch);
    }

    /// <summary>Reports an access of bytes that a copy is still to fill.</summary>
    public void CheckTouch(Lane lane, byte* address, int bytes, MemoryRegion? region, Site site)
    {
        if (_pending.Count == 0 || region is null) return;
        nint last = ((nint)address + bytes - 1) & -Bytes;
        for (nint block = (nint)address & -Bytes; block <= last; block += Bytes)
        {
            if (!_pending.TryGetValue(block, out int owner)) continue;
            long index = (address - region.Start) / bytes;
            runner.Report(FindingKind.PendingCopy, lane, region.Name, index, owner, site,
                $"lane {lane.Linear} touches element {index} of {region.Name}, which lane {owner} is copying to and has not waited for.");
            return;
        }
    }

    // NaN patterns, and in every word other than what was there and what will be: so both the start and the arrival are seen as writes.
    private static void Overwrite(uint* target, uint* value)
    {
        for (int i = 0; i < Bytes / sizeof(uint); i++)
        {
            uint filler = Poison.Word;
            while (filler == target[i] || filler == value[i])
                filler++;
            target[i] = filler;
        }
    }

    private readonly record struct Copy(int Lane, int Batch, nint Target, MemoryRegion? Region, UInt128 Value, Site Site);
}
