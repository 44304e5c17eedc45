using System.Runtime.InteropServices;

namespace AttnKernels.Simulation;

/// <summary>The shared memory of the group that runs: dynamic memory first, then the static arrays in order of allocation.</summary>
internal sealed unsafe class SharedArena : IDisposable
{
    private const int Alignment = 16;

    private readonly GroupRunner _runner;
    private readonly List<(MemoryRegion Region, Type Type, int Extent)> _arrays = [];
    private readonly int _capacity;
    private int _live;
    private int _used;

    public SharedArena(GroupRunner runner)
    {
        _runner = runner;
        // Room for a kernel that asks for too much, so that it still runs. The system backs only what is touched.
        _capacity = checked(4 * Math.Max(runner.Options.SharedMemoryPerGroup, 64 * 1024));
        Start = (byte*)NativeMemory.AlignedAlloc((nuint)(_capacity + AccessRecord.MaxBytes), 256);
    }

    public byte* Start { get; }

    public MemoryRegion? Dynamic { get; private set; }

    /// <summary>Most bytes that a group of the launch held.</summary>
    public int MostUsed { get; private set; }

    public void BeginLaunch(int dynamicBytes)
    {
        MostUsed = 0;
        if (Dynamic?.Bytes == dynamicBytes)
            return;
        Dynamic?.End();
        Dynamic = dynamicBytes == 0 ? null : new MemoryRegion($"dynamic shared Byte[{dynamicBytes}]", Start, dynamicBytes, isShared: true);
    }

    public void BeginGroup()
    {
        _live = 0;
        _used = 0;
        if (Dynamic is not null)
            Open(Dynamic);
    }

    /// <summary>The shared array of the lane's allocation number <paramref name="ordinal"/>; the first lane to ask makes it.</summary>
    public MemoryRegion Allocate(Lane lane, int ordinal, Type type, int elementSize, int extent, Site site)
    {
        if (ordinal < _live)
        {
            (MemoryRegion known, Type knownType, int knownExtent) = _arrays[ordinal];
            if (knownType != type || knownExtent != extent)
            {
                _runner.Report(FindingKind.SharedMismatch, lane, known.Name, -1, -1, site,
                    $"lane {lane.Linear} allocates {Describe(ordinal, type, extent)} where an earlier lane allocated {known.Name}.");
            }
            return known;
        }

        long bytes = (long)elementSize * extent;
        int start = (_used + Alignment - 1) / Alignment * Alignment;
        if (start + bytes > _runner.Options.SharedMemoryPerGroup)
        {
            string name = Describe(ordinal, type, extent);
            _runner.Report(FindingKind.TooMuchShared, lane, name, -1, -1, site,
                $"{name} ends at byte {start + bytes} of the group's {_runner.Options.SharedMemoryPerGroup} bytes of shared memory.");
            if (start + bytes > _capacity)
                throw new LaneStopException();
        }
        if (ordinal < _arrays.Count && !Fits(ordinal, type, extent, start))
            Forget(ordinal);
        if (ordinal == _arrays.Count)
            _arrays.Add((new MemoryRegion(Describe(ordinal, type, extent), Start + start, bytes, isShared: true), type, extent));
        _live++;
        Open(_arrays[ordinal].Region);
        return _arrays[ordinal].Region;
    }

    public void Dispose()
    {
        Forget(0);
        Dynamic?.End();
        NativeMemory.AlignedFree(Start);
    }

    // Arrays are kept over groups and launches as long as the kernels allocate the same.
    private void Forget(int first)
    {
        foreach ((MemoryRegion region, _, _) in _arrays[first..])
            region.End();
        _arrays.RemoveRange(first, _arrays.Count - first);
    }

    private bool Fits(int ordinal, Type type, int extent, int start)
    {
        (MemoryRegion region, Type knownType, int knownExtent) = _arrays[ordinal];
        return knownType == type && knownExtent == extent && region.Start == Start + start;
    }

    private void Open(MemoryRegion region)
    {
        Poison.Fill(region.Start, region.Bytes);
        _used = (int)(region.Start + region.Bytes - Start);
        MostUsed = Math.Max(MostUsed, _used);
    }

    private static string Describe(int ordinal, Type type, int extent) => $"shared#{ordinal} {NameOf(type)}[{extent}]";

    private static string NameOf(Type type) =>
        type == typeof(float) ? "Float32"
        : type == typeof(double) ? "Float64"
        : type == typeof(ILGPU.Half) || type == typeof(Half) ? "Float16"
        : type.Name;
}
