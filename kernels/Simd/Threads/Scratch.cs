namespace AttnKernels.Simd;

/// <summary>A block of native memory on a cache line's boundary that grows to the largest size asked for and is reused.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    public const int Alignment = AlignedMemory.Alignment;

    private byte* memory;
    private nuint size;

    /// <summary>At least <paramref name="bytes"/> bytes, 64-byte aligned, with undefined contents; valid until the next call.</summary>
    public byte* Rent(long bytes)
    {
        if ((nuint)bytes > size)
        {
            AlignedMemory.Free(memory);
            memory = null;
            size = 0;
            memory = (byte*)AlignedMemory.Allocate(bytes);
            size = (nuint)bytes;
        }

        return memory;
    }

    /// <summary>Frees the block if it is larger than <paramref name="bytes"/>.</summary>
    public void Trim(long bytes)
    {
        if (size > (nuint)bytes) Dispose();
    }

    public void Dispose()
    {
        AlignedMemory.Free(memory);
        memory = null;
        size = 0;
    }

    /// <summary>Rounds a number of floats up to whole cache lines.</summary>
    public static long Align(long floats) => (floats + 15) & ~15L;
}
