using System.Runtime.InteropServices;
using AttnKernels.Simd;

namespace AttnKernels.Bench.Data;

/// <summary>
/// Memory as the CPU device allocates it: on a 64-byte boundary, large pages where it is large. So no implementation is slowed by where its
/// inputs happen to lie.
/// </summary>
public sealed unsafe class AlignedBuffer<T> : IDisposable
    where T : unmanaged
{
    private T* data;

    /// <summary><paramref name="length"/> zeroed elements.</summary>
    public AlignedBuffer(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        Length = length;
        nuint bytes = (nuint)Math.Max(1, length) * (nuint)sizeof(T);
        data = (T*)AlignedMemory.Allocate((long)bytes);
        NativeMemory.Clear(data, bytes);
    }

    /// <summary>A copy of <paramref name="values"/>.</summary>
    public AlignedBuffer(ReadOnlySpan<T> values)
        : this(values.Length) => values.CopyTo(Span);

    /// <summary>Number of elements.</summary>
    public long Length { get; }

    /// <summary>The first element.</summary>
    public T* Data => data;

    /// <summary>All elements.</summary>
    public Span<T> Span => new(data, checked((int)Length));

    /// <inheritdoc/>
    public void Dispose()
    {
        AlignedMemory.Free(data);
        data = null;
    }
}
