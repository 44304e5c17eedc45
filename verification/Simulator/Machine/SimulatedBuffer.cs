using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ILGPU;

namespace AttnKernels.Simulation;

/// <summary>Device memory of the simulator: native, 256-byte aligned, between two guard zones, filled with NaN patterns.</summary>
public sealed unsafe class SimulatedBuffer : IDisposable
{
    internal const int GuardBytes = 256;

    private readonly SimulatedDevice _device;
    private readonly byte* _block;

    internal SimulatedBuffer(SimulatedDevice device, long bytes, string name)
    {
        _device = device;
        _block = (byte*)NativeMemory.AlignedAlloc(checked((nuint)bytes + 2 * GuardBytes), 256);
        Bytes = bytes;
        Poison.Fill(_block, bytes + 2 * GuardBytes);
        Region = new MemoryRegion(name, _block + GuardBytes, bytes, isShared: false);
    }

    /// <summary>Size in bytes.</summary>
    public long Bytes { get; }

    /// <summary>The memory, for the host; null after disposal.</summary>
    public byte* Pointer => Region.Alive ? Region.Start : null;

    /// <summary>Name in findings.</summary>
    public string Name
    {
        get => Region.Name;
        set => Region.Name = value;
    }

    internal MemoryRegion Region { get; }

    /// <summary><paramref name="length"/> elements from <paramref name="elementOffset"/> on, for a kernel's arguments.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The view sticks out of the buffer.</exception>
    public ArrayView<T> View<T>(long elementOffset, long length)
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(!Region.Alive, this);
        ArgumentOutOfRangeException.ThrowIfNegative(elementOffset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(checked((elementOffset + length) * sizeof(T)), Bytes);
        return new ArrayView<T>(_device.Options.Check ? Region : null, Region.Start + elementOffset * sizeof(T), length);
    }

    /// <summary>The whole buffer, for a kernel's arguments.</summary>
    public ArrayView<T> View<T>()
        where T : unmanaged => View<T>(0, Bytes / sizeof(T));

    /// <summary>The whole buffer, for the host; at most 2 G elements.</summary>
    public Span<T> Span<T>()
        where T : unmanaged
    {
        ObjectDisposedException.ThrowIf(!Region.Alive, this);
        return new Span<T>(Region.Start, checked((int)(Bytes / sizeof(T))));
    }

    /// <summary>Frees the memory; later accesses through views of a checked device are findings.</summary>
    public void Dispose()
    {
        if (!Region.Alive)
            return;
        Region.End();
        _device.Remove(this);
        NativeMemory.AlignedFree(_block);
    }

    // A checked view cannot reach the guards; a reference moved by Unsafe.Add can.
    internal bool GuardsAreIntact() => Poison.IsIntact(_block, GuardBytes) && Poison.IsIntact(AfterEnd, GuardBytes - 2);

    internal void RestoreGuards()
    {
        Poison.Fill(_block, GuardBytes);
        Poison.Fill(AfterEnd, GuardBytes - 2);
    }

    private byte* AfterEnd => Region.Start + ((Bytes + 1) & ~1L);
}

/// <summary>The pattern of memory that nobody has written: a NaN as float, half and bfloat16.</summary>
internal static unsafe class Poison
{
    public const ushort Half = 0x7FED;
    public const uint Word = 0x7FED7FED;

    public static void Fill(byte* start, long bytes)
    {
        var halves = (ushort*)start;
        for (long done = 0; done < bytes / 2;)
        {
            int count = (int)Math.Min(bytes / 2 - done, 1 << 28);
            new Span<ushort>(halves + done, count).Fill(Half);
            done += count;
        }
        if ((bytes & 1) != 0)
            start[bytes - 1] = Half & 0xFF;
    }

    public static bool IsIntact(byte* start, int bytes) =>
        new ReadOnlySpan<ushort>(start, bytes / 2).IndexOfAnyExcept(Half) < 0;
}
