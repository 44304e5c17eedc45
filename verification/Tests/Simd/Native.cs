using System.Runtime.InteropServices;
using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

/// <summary>
/// Elements in native memory between two guards of NaN (of ones in byte tensors), which <see cref="Dispose"/> checks to be untouched.
/// </summary>
internal sealed unsafe class Native : IDisposable
{
    private const int GuardBytes = 128;
    private readonly byte* memory;
    private readonly long bytes;

    /// <param name="count">Elements, filled with NaN.</param>
    /// <param name="type">Their type.</param>
    /// <param name="misaligned">Bytes past a 64-byte boundary.</param>
    public Native(long count, DType type, int misaligned = 4)
    {
        Count = count;
        Type = type;
        bytes = count * type.Size();
        memory = (byte*)NativeMemory.AlignedAlloc((nuint)(bytes + 2 * GuardBytes + 64), 64);
        new Span<byte>(memory, checked((int)(bytes + 2 * GuardBytes + 64))).Fill(0xFF);
        Data = memory + GuardBytes + misaligned;
    }

    public long Count { get; }

    public DType Type { get; }

    public byte* Data { get; }

    public float this[long index]
    {
        get => Type switch
        {
            DType.Float32 => ((float*)Data)[index],
            DType.Float16 => (float)((Half*)Data)[index],
            DType.BFloat16 => ((BFloat16*)Data)[index],
            DType.Int32 => ((int*)Data)[index],
            _ => Data[index],
        };
        set
        {
            switch (Type)
            {
                case DType.Float32: ((float*)Data)[index] = value; break;
                case DType.Float16: ((Half*)Data)[index] = (Half)value; break;
                case DType.BFloat16: ((BFloat16*)Data)[index] = (BFloat16)value; break;
                case DType.Int32: ((int*)Data)[index] = (int)value; break;
                default: Data[index] = (byte)value; break;
            }
        }
    }

    public ReadOnlySpan<byte> Bytes => new(Data, checked((int)bytes));

    /// <summary>Uniform in [-range, range], rounded to the type.</summary>
    public Native FillRandom(int seed, float range = 1)
    {
        var random = new Random(seed);
        for (long i = 0; i < Count; i++) this[i] = (random.NextSingle() * 2 - 1) * range;
        return this;
    }

    public void Dispose()
    {
        new Span<byte>(memory,
            (int)(Data - memory)).ContainsAnyExcept((byte)0xFF).Should().BeFalse("nothing may be written before the tensor");
        var rest = new Span<byte>(Data + bytes, (int)(memory + 2 * GuardBytes + 64 - Data));
        rest.ContainsAnyExcept((byte)0xFF).Should().BeFalse("nothing may be written past the tensor");
        NativeMemory.AlignedFree(memory);
    }
}
