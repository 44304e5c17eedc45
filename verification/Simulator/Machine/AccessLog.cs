using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Simulation;

[Flags]
internal enum AccessFlags : byte
{
    None = 0,

    /// <summary>Bit n: the n-th 4 bytes changed. An access of less than 4 bytes uses the first.</summary>
    WordsWritten = 0xF,

    /// <summary>An atomic operation.</summary>
    Atomic = 0x10,

    /// <summary>An atomic operation whose result does not depend on what was there.</summary>
    Blind = 0x20,
}

/// <summary>One access of a lane: at most 16 bytes, with the bytes that were there when the lane took the reference.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct AccessRecord
{
    public const int MaxBytes = 16;

    public byte* Address;
    public ushort Region;
    public ushort Site;
    public byte Bytes;
    public AccessFlags Flags;
    private readonly ushort _unused;
    public Vector128<byte> Before;

    /// <summary>What lanes of a warp must have in common to make one request.</summary>
    public readonly uint RequestKey => (uint)(Region << 16 | Site);
}

/// <summary>The accesses of a lane since its warp last stopped.</summary>
internal sealed unsafe class AccessLog : IDisposable
{
    private const int FirstCapacity = 256;

    // 2 MB a lane. What a lane does beyond that without stopping is checked in pieces and not counted.
    private const int MaxCapacity = 1 << 16;

    private AccessRecord* _start;
    private AccessRecord* _end;
    private AccessRecord* _limit;

    public AccessRecord* Start => _start;

    public int Count => (int)(_end - _start);

    public bool IsFull => _end == _limit && _limit - _start == MaxCapacity;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(byte* address, int bytes, int region, int site)
    {
        if (_end == _limit)
            Grow();
        AccessRecord* record = _end++;
        record->Address = address;
        record->Region = (ushort)region;
        record->Site = (ushort)site;
        record->Bytes = (byte)bytes;
        record->Flags = AccessFlags.None;
        // Reads past a short element, never past the guard zone or the arena.
        record->Before = Vector128.Load(address);
    }

    public void Clear() => _end = _start;

    public void Dispose()
    {
        NativeMemory.Free(_start);
        _start = _end = _limit = null;
    }

    private void Grow()
    {
        int count = Count;
        int capacity = Math.Max(FirstCapacity, 2 * count);
        _start = (AccessRecord*)NativeMemory.Realloc(_start, (nuint)capacity * (nuint)sizeof(AccessRecord));
        _end = _start + count;
        _limit = _start + capacity;
    }
}
