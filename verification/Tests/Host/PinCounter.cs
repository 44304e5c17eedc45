using System.Buffers;
using System.Runtime.InteropServices;

namespace AttnKernels.Tests.Host;

/// <summary>Memory that counts how often it is pinned.</summary>
internal sealed unsafe class PinCounter(int length) : MemoryManager<float>
{
    private readonly float[] array = GC.AllocateArray<float>(length, pinned: true);
    private int pins;

    public int Pins => Volatile.Read(ref pins);

    public override Span<float> GetSpan() => array;

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        Interlocked.Increment(ref pins);
        return new MemoryHandle((void*)Marshal.UnsafeAddrOfPinnedArrayElement(array, elementIndex), pinnable: this);
    }

    public override void Unpin() => Interlocked.Decrement(ref pins);

    protected override void Dispose(bool disposing)
    {
    }
}
