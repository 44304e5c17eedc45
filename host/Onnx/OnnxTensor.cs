using System.Runtime.InteropServices;

namespace AttnKernels.Onnx;

/// <summary>TensorProto.DataType of ONNX, with its numbers.</summary>
internal enum OnnxType
{
    Undefined = 0,
    Float = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    UInt32 = 12,
    UInt64 = 13,
    BFloat16 = 16,
}

/// <summary>An ONNX tensor on the host: row-major, little-endian, any rank (0 is a scalar).</summary>
internal sealed record OnnxTensor(OnnxType Type, int[] Shape, byte[] Data)
{
    public int Rank => Shape.Length;

    public int Count => Shape.Aggregate(1, (count, size) => checked(count * size));

    /// <summary>The elements as float; of fp32, fp16, bf16 and small integers exactly, of others rounded.</summary>
    public float[] ToFloats() => Type switch
    {
        OnnxType.Float => As<float>().ToArray(),
        OnnxType.Float16 => Array.ConvertAll(As<Half>().ToArray(), x => (float)x),
        OnnxType.BFloat16 => Array.ConvertAll(As<BFloat16>().ToArray(), x => (float)x),
        OnnxType.Double => Array.ConvertAll(As<double>().ToArray(), x => (float)x),
        OnnxType.Bool => Array.ConvertAll(Data, x => x == 0 ? 0f : 1f),
        _ => Array.ConvertAll(ToInt64s(), x => (float)x),
    };

    /// <summary>The elements of an integer tensor.</summary>
    public long[] ToInt64s() => Type switch
    {
        OnnxType.Int64 => As<long>().ToArray(),
        OnnxType.Int32 => Array.ConvertAll(As<int>().ToArray(), x => (long)x),
        OnnxType.UInt32 => Array.ConvertAll(As<uint>().ToArray(), x => (long)x),
        OnnxType.Int16 => Array.ConvertAll(As<short>().ToArray(), x => (long)x),
        OnnxType.UInt16 => Array.ConvertAll(As<ushort>().ToArray(), x => (long)x),
        OnnxType.Int8 => Array.ConvertAll(As<sbyte>().ToArray(), x => (long)x),
        OnnxType.UInt8 => Array.ConvertAll(Data, x => (long)x),
        _ => throw new NotSupportedException($"A tensor of {Type} has no integer elements."),
    };

    /// <summary><paramref name="values"/> rounded to fp32, fp16 or bf16.</summary>
    public static OnnxTensor FromFloats(OnnxType type, ReadOnlySpan<float> values, params ReadOnlySpan<int> shape)
    {
        byte[] data = new byte[values.Length * StorageOf(type).Size()];
        switch (type)
        {
            case OnnxType.Float:
                values.CopyTo(MemoryMarshal.Cast<byte, float>(data.AsSpan()));
                break;
            case OnnxType.Float16:
                Span<Half> halves = MemoryMarshal.Cast<byte, Half>(data.AsSpan());
                for (int i = 0; i < values.Length; i++) halves[i] = (Half)values[i];
                break;
            default:
                Span<BFloat16> brains = MemoryMarshal.Cast<byte, BFloat16>(data.AsSpan());
                for (int i = 0; i < values.Length; i++) brains[i] = (BFloat16)values[i];
                break;
        }
        return new OnnxTensor(type, shape.ToArray(), data);
    }

    /// <summary>The elements on <paramref name="device"/>, in the same type; a scalar becomes a tensor of one element.</summary>
    public DeviceTensor Upload(AttentionDevice device)
    {
        ReadOnlySpan<int> shape = Rank == 0 ? [1] : Shape;
        return StorageOf(Type) switch
        {
            DType.Float32 => device.Upload(As<float>(), shape),
            DType.Float16 => device.Upload(As<Half>(), shape),
            DType.BFloat16 => device.Upload(As<BFloat16>(), shape),
            _ => device.Upload<byte>(Data, shape),
        };
    }

    /// <summary>The library's storage type.</summary>
    /// <exception cref="NotSupportedException">It has none.</exception>
    public static DType StorageOf(OnnxType type) => type switch
    {
        OnnxType.Float => DType.Float32,
        OnnxType.Float16 => DType.Float16,
        OnnxType.BFloat16 => DType.BFloat16,
        OnnxType.Bool => DType.Bool,
        _ => throw new NotSupportedException($"Tensors of {type} have no kernels; Float, Float16 and BFloat16 have."),
    };

    private ReadOnlySpan<T> As<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Data);
}
