using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>A typed window into device or shared memory, as a kernel sees it.</summary>
/// <remarks>
/// A view of a checked device knows its memory region and reports every access to the machine; a view of an unchecked
/// device is a pointer and a length. The indexers carry the caller's line so that a finding can name it; at the call
/// site they read like those of ILGPU.
/// </remarks>
public readonly unsafe struct ArrayView<T>
    where T : unmanaged
{
    /// <summary>A view of nothing.</summary>
    public static readonly ArrayView<T> Empty;

    private readonly MemoryRegion? _region;
    private readonly byte* _start;
    private readonly long _length;

    internal ArrayView(MemoryRegion? region, byte* start, long length)
    {
        _region = region;
        _start = start;
        _length = length;
    }

    /// <summary>Size of an element in bytes.</summary>
    public static int ElementSize => sizeof(T);

    /// <summary>True if the view has memory and at least one element.</summary>
    public bool IsValid => _start != null && _length > 0;

    /// <summary>Number of elements.</summary>
    public long Length => _length;

    /// <summary>Number of elements; throws where it exceeds an int.</summary>
    public int IntLength => checked((int)_length);

    /// <summary>Size in bytes.</summary>
    public long LengthInBytes => _length * sizeof(T);

    /// <summary>Number of elements as an index.</summary>
    public Index1D IntExtent => IntLength;

    /// <summary>The element at <paramref name="index"/>; <paramref name="file"/> and <paramref name="line"/> are the compiler's.</summary>
    public ref T this[int index, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Element(index, file, line);
    }

    /// <inheritdoc cref="this[int, string, int]"/>
    public ref T this[long index, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Element(index, file, line);
    }

    /// <inheritdoc cref="this[int, string, int]"/>
    public ref T this[Index1D index, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Element(index.X, file, line);
    }

    /// <inheritdoc cref="this[int, string, int]"/>
    public ref T this[LongIndex1D index, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref Element(index.X, file, line);
    }

    internal MemoryRegion? Region => _region;

    internal byte* Start => _start;

    /// <summary>The elements from <paramref name="index"/> on.</summary>
    public ArrayView<T> SubView(long index, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        SubView(index, _length - index, file, line);

    /// <inheritdoc cref="SubView(long, long, string, int)"/>
    public ArrayView<T> SubView(int index, int length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        SubView((long)index, length, file, line);

    /// <summary>
    /// <paramref name="length"/> elements from <paramref name="index"/> on. As in ILGPU, the start must lie inside the view
    /// (or be 0 in an empty one); what sticks out is reported and cut off.
    /// </summary>
    public ArrayView<T> SubView(long index, long length, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        bool inside = (ulong)index < (ulong)_length || (index == 0 && _length == 0);
        if (inside && (ulong)length <= (ulong)(_length - index))
            return new ArrayView<T>(_region, _start + index * sizeof(T), length);

        ViewFaults.SubView(this, index, length, file, line);
        long first = Math.Clamp(index, 0, _length);
        return new ArrayView<T>(_region, _start + first * sizeof(T), Math.Clamp(length, 0, _length - first));
    }

    /// <summary>The same bytes as elements of another type; a rest smaller than one element is left out.</summary>
    public ArrayView<TOther> Cast<TOther>()
        where TOther : unmanaged =>
        new(_region, _start, _length * sizeof(T) / sizeof(TOther));

    /// <summary>First element and length, for debuggers.</summary>
    public override string ToString() => $"{_region?.Name ?? "view"} of {typeof(T).Name}[{_length}]";

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref T Element(long index, string file, int line)
    {
        if (_region is null)
        {
            if ((ulong)index >= (ulong)_length)
                return ref *ViewFaults.OutOfBounds(this, index, file, line);
            return ref ((T*)_start)[index];
        }
        return ref *Checked(index, file, line);
    }

    // The largest power of two that divides the size, at most 16: what a vector load or store of the type needs.
    private static nuint AlignmentMask => (nuint)(Math.Min(sizeof(T) & -sizeof(T), 16) - 1);

    private T* Checked(long index, string file, int line)
    {
        MemoryRegion region = _region!;
        Lane? lane = Lane.Current;
        byte* address = _start + index * sizeof(T);
        if ((ulong)index >= (ulong)_length || !region.Alive || lane is null)
            return ViewFaults.OutOfBounds(this, index, file, line);
        if (((nuint)address & AlignmentMask) != 0)
            ViewFaults.Misaligned(this, index, file, line);
        lane.Touch(address, sizeof(T), region, file, line);
        return (T*)address;
    }
}
