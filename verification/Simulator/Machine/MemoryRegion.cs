namespace AttnKernels.Simulation;

/// <summary>A buffer or a shared array, as the views into it know it.</summary>
internal sealed unsafe class MemoryRegion
{
    private Shadow? _shadow;

    public MemoryRegion(string name, byte* start, long bytes, bool isShared)
    {
        Name = name;
        Start = start;
        Bytes = bytes;
        IsShared = isShared;
    }

    public string Name { get; set; }

    public byte* Start { get; }

    public long Bytes { get; }

    public bool IsShared { get; }

    public bool Alive { get; private set; } = true;

    /// <summary>The launch for which <see cref="Number"/> is valid.</summary>
    public long Launch { get; set; }

    /// <summary>Number of the region in the access logs of the launch.</summary>
    public int Number { get; set; }

    public Shadow Shadow => _shadow ??= new Shadow(Bytes);

    /// <summary>Makes later accesses findings. The owner frees the memory.</summary>
    public void End()
    {
        Alive = false;
        _shadow?.Dispose();
        _shadow = null;
    }
}
