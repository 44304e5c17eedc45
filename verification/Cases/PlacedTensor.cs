using System.Runtime.InteropServices;

namespace AttnKernels.Verification;

/// <summary>
/// A host tensor laid out in device memory between guard lines: around it and in its gaps lies poison (NaN, true, a huge number), which
/// must neither be read into a result nor overwritten.
/// </summary>
internal sealed class PlacedTensor : IDisposable
{
    private const int GuardLines = 2;

    private readonly DeviceTensor memory;
    private readonly byte[] initial;
    private readonly int[] shape;
    private readonly long[] strides;
    private readonly long offset;

    private PlacedTensor(AttentionDevice device, DType type, int[] shape, float[]? values, Placement placement)
    {
        this.shape = shape;
        int[] order = placement.Order;
        int line = shape[order[3]] + placement.Padding;
        int lines = shape[order[0]] * shape[order[1]] * shape[order[2]];
        offset = (long)GuardLines * line;
        strides = new long[4];
        long stride = 1;
        for (int axis = 3; axis >= 0; axis--)
        {
            strides[order[axis]] = stride;
            stride *= axis == 3 ? line : shape[order[axis]];
        }

        initial = new byte[(long)(lines + (2 * GuardLines)) * line * type.Size()];
        Poison.Fill(type, initial);
        if (values is not null)
            for (int n = 0; n < values.Length; n++)
                Write(type, initial, MemoryIndex(n), values[n]);
        memory = device.Allocate(type, lines + (2 * GuardLines), line);
        Upload(type);
        View = Permuted(memory.View.Slice(0, GuardLines, lines).Slice(1, 0, shape[order[3]]), shape, order);
    }

    /// <summary>The tensor, (axis 0, axis 1, axis 2, axis 3).</summary>
    public TensorView View { get; }

    /// <summary>The view without its leading axes, which have size 1.</summary>
    public TensorView ViewOfRank(int rank)
    {
        TensorView view = View;
        while (view.Rank > rank) view = view.Squeeze(0);
        return view;
    }

    /// <summary>An input with the values of <paramref name="tensor"/>.</summary>
    public static PlacedTensor Input(AttentionDevice device, HostTensor tensor, Placement placement) =>
        new(device, tensor.Type, RankFour(tensor.Shape), tensor.Values, placement);

    /// <summary>An output full of poison.</summary>
    public static PlacedTensor Output(AttentionDevice device, DType type, Placement placement, params ReadOnlySpan<int> shape) =>
        new(device, type, RankFour(shape), null, placement);

    /// <summary>The values as they are now, row-major.</summary>
    public float[] Read()
    {
        byte[] bytes = Download();
        float[] values = new float[HostTensor.Count(shape)];
        for (int n = 0; n < values.Length; n++)
            values[n] = Read(memory.Type, bytes, MemoryIndex(n));
        return values;
    }

    /// <summary>What was overwritten that should not have been, or null: of an output the poison around it, of an input anything.</summary>
    public string? Damage(bool isOutput)
    {
        byte[] now = Download();
        int size = memory.Type.Size();
        if (isOutput)
            for (int n = HostTensor.Count(shape) - 1; n >= 0; n--)
                initial.AsSpan((int)MemoryIndex(n) * size, size).CopyTo(now.AsSpan((int)MemoryIndex(n) * size));
        int at = now.AsSpan().CommonPrefixLength(initial);
        return at == now.Length ? null : $"element {at / size} of memory (the tensor starts at {offset}) was overwritten";
    }

    public void Dispose() => memory.Dispose();

    private static TensorView Permuted(TensorView lines, int[] shape, int[] order)
    {
        TensorView view = lines.SplitAxis(0, shape[order[0]] * shape[order[1]], shape[order[2]])
            .SplitAxis(0, shape[order[0]], shape[order[1]]);
        int[] at = (int[])order.Clone();
        for (int axis = 0; axis < 4; axis++)
        {
            int from = Array.IndexOf(at, axis);
            view = view.Transpose(axis, from);
            (at[axis], at[from]) = (at[from], at[axis]);
        }
        return view;
    }

    private static int[] RankFour(ReadOnlySpan<int> shape)
    {
        int[] padded = [1, 1, 1, 1];
        shape.CopyTo(padded.AsSpan(4 - shape.Length));
        return padded;
    }

    private long MemoryIndex(int n)
    {
        long at = offset;
        for (int axis = 3; axis >= 0; axis--)
        {
            at += n % shape[axis] * strides[axis];
            n /= shape[axis];
        }
        return at;
    }

    private void Upload(DType type)
    {
        switch (type)
        {
            case DType.Float32: memory.Upload<float>(MemoryMarshal.Cast<byte, float>(initial)); break;
            case DType.Float16: memory.Upload<Half>(MemoryMarshal.Cast<byte, Half>(initial)); break;
            case DType.BFloat16: memory.Upload<BFloat16>(MemoryMarshal.Cast<byte, BFloat16>(initial)); break;
            case DType.Int32: memory.Upload<int>(MemoryMarshal.Cast<byte, int>(initial)); break;
            case DType.Int8: memory.Upload<sbyte>(MemoryMarshal.Cast<byte, sbyte>(initial)); break;
            default: memory.Upload<byte>(initial); break;
        }
    }

    private byte[] Download()
    {
        byte[] bytes = new byte[initial.Length];
        switch (memory.Type)
        {
            case DType.Float32: memory.Download(MemoryMarshal.Cast<byte, float>(bytes.AsSpan())); break;
            case DType.Float16: memory.Download(MemoryMarshal.Cast<byte, Half>(bytes.AsSpan())); break;
            case DType.BFloat16: memory.Download(MemoryMarshal.Cast<byte, BFloat16>(bytes.AsSpan())); break;
            case DType.Int32: memory.Download(MemoryMarshal.Cast<byte, int>(bytes.AsSpan())); break;
            case DType.Int8: memory.Download(MemoryMarshal.Cast<byte, sbyte>(bytes.AsSpan())); break;
            default: memory.Download(bytes.AsSpan()); break;
        }
        return bytes;
    }

    private static float Read(DType type, byte[] bytes, long index) => type switch
    {
        DType.Float32 => MemoryMarshal.Cast<byte, float>(bytes.AsSpan())[(int)index],
        DType.Float16 => (float)MemoryMarshal.Cast<byte, Half>(bytes.AsSpan())[(int)index],
        DType.BFloat16 => MemoryMarshal.Cast<byte, BFloat16>(bytes.AsSpan())[(int)index],
        DType.Int32 => MemoryMarshal.Cast<byte, int>(bytes.AsSpan())[(int)index],
        DType.Int8 => (sbyte)bytes[index],
        _ => bytes[index],
    };

    private static void Write(DType type, byte[] bytes, long index, float value)
    {
        switch (type)
        {
            case DType.Float32: MemoryMarshal.Cast<byte, float>(bytes.AsSpan())[(int)index] = value; break;
            case DType.Float16: MemoryMarshal.Cast<byte, Half>(bytes.AsSpan())[(int)index] = (Half)value; break;
            case DType.BFloat16: MemoryMarshal.Cast<byte, BFloat16>(bytes.AsSpan())[(int)index] = (BFloat16)value; break;
            case DType.Int32: MemoryMarshal.Cast<byte, int>(bytes.AsSpan())[(int)index] = (int)value; break;
            case DType.Int8: bytes[index] = (byte)(sbyte)value; break;
            default: bytes[index] = (byte)value; break;
        }
    }
}
