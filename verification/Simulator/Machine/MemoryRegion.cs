namespace AttnKernels.Simulation;

/// <summary>A buffer or a shared array, as the views into it know it.</summary>
internal sealed unsafe class MemoryRegion
{
    public MemoryRegion(string name, byte* start, long bytes, int id, bool isShared)
    {
        Name = name;
        Start = start;
        Bytes = bytes;
        Id = (ushort)id;
        IsShared = isShared;
    }

    public string Name { get; set; }

    public byte* Start { get; }

    public long Bytes { get; }

    // Tells regions apart in the access log; a repeat after 65,536 buffers only blurs counters.
    public ushort Id { get; }

    public bool IsShared { get; }

    public bool Alive { get; set; } = true;
}
