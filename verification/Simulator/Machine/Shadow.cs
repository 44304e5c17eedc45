using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AttnKernels.Simulation;

/// <summary>
/// Who accessed when, in 64 bits: lane + 1 (11 bits), atomic (1), warp barriers passed (10), group barriers passed (14) and the
/// serial number of the group over all launches of the device (28). The counts wrap, which could only confuse accesses that
/// are a whole cycle apart.
/// </summary>
internal readonly record struct Actor(ulong Bits)
{
    private const ulong LaneMask = 0x7FF;
    private const ulong AtomicBit = 1 << 11;

    public Actor(long groupSerial, long groupBarriers, long warpBarriers, int lane)
        : this((ulong)groupSerial << 36 | ((ulong)groupBarriers & 0x3FFF) << 22 | ((ulong)warpBarriers & 0x3FF) << 12 | (uint)(lane + 1))
    {
    }

    public bool IsNone => Bits == 0;

    public int Lane => (int)(Bits & LaneMask) - 1;

    public bool IsAtomic => (Bits & AtomicBit) != 0;

    public long GroupSerial => (long)(Bits >> 36);

    public Actor AsAtomic() => new(Bits | AtomicBit);

    public long Warp(int warpShift) => ((long)(Bits & LaneMask) - 1) >> warpShift;

    public bool SameLane(Actor other) => ((Bits ^ other.Bits) & LaneMask) == 0;

    public bool SameWarpBarriers(Actor other) => ((Bits ^ other.Bits) >> 12 & 0x3FF) == 0;

    public bool SameGroup(Actor other) => (Bits ^ other.Bits) >> 36 == 0;

    /// <summary>True between the same two group barriers of the same group.</summary>
    public bool SameInterval(Actor other) => (Bits ^ other.Bits) >> 22 == 0;
}

/// <summary>The accesses of a few bytes that later ones are held against.</summary>
internal struct ShadowCell
{
    public Actor Writer;

    /// <summary>A reader, and one more that nothing orders with the first.</summary>
    public Actor Reader;
    public Actor OtherReader;
    public ushort WriterSite;
    public ushort ReaderSite;
    public ushort OtherReaderSite;
}

/// <summary>The shadow cells of a memory region: one for 4 bytes, or finer once something smaller has been accessed.</summary>
internal sealed unsafe class Shadow : IDisposable
{
    private readonly long _bytes;
    private ShadowCell* _cells;
    private int _shift = 2;

    public Shadow(long bytes)
    {
        _bytes = bytes;
        _cells = New(_shift);
    }

    /// <summary>log2 of the bytes of a cell.</summary>
    public int Shift => _shift;

    /// <summary>The cell of the byte at <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ShadowCell* At(long offset) => _cells + (offset >> _shift);

    /// <summary>Makes the cells fine enough for an access of <paramref name="bytes"/> bytes at <paramref name="offset"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Refine(long offset, int bytes)
    {
        if (((offset | (long)bytes) & ((1L << _shift) - 1)) != 0)
            Split((offset | (long)bytes) & 3);
    }

    public void Dispose()
    {
        NativeMemory.Free(_cells);
        _cells = null;
    }

    private void Split(long odd)
    {
        int shift = (odd & 1) != 0 ? 0 : 1;
        ShadowCell* fine = New(shift);
        long count = (_bytes + (1 << shift) - 1) >> shift;
        for (long i = 0; i < count; i++)
        {
            ShadowCell* coarse = _cells + (i >> (_shift - shift));
            // Untouched cells stay untouched pages.
            if (!coarse->Writer.IsNone || !coarse->Reader.IsNone)
                fine[i] = *coarse;
        }
        NativeMemory.Free(_cells);
        _cells = fine;
        _shift = shift;
    }

    // Zeroed memory of this size comes from the system page by page as it is touched.
    private ShadowCell* New(int shift) =>
        (ShadowCell*)NativeMemory.AllocZeroed((nuint)((_bytes + AccessRecord.MaxBytes) >> shift) + 1, (nuint)sizeof(ShadowCell));
}
