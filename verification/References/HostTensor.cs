namespace AttnKernels.Verification;

/// <summary>
/// A dense row-major tensor on the host whose values are those of its storage type, widened to <see cref="float"/> (which is exact for all
/// of them: fp32, fp16, bf16, booleans as 0 and 1, key lengths below 2^24).
/// </summary>
public sealed class HostTensor
{
    private readonly int[] shape;

    /// <summary>A tensor of zeros.</summary>
    public HostTensor(DType type, params ReadOnlySpan<int> shape)
        : this(type, new float[Count(shape)], shape)
    {
    }

    /// <summary>Takes over <paramref name="values"/>, rounding them to <paramref name="type"/>.</summary>
    /// <exception cref="ArgumentException">The count of values is not the product of <paramref name="shape"/>.</exception>
    public HostTensor(DType type, float[] values, params ReadOnlySpan<int> shape)
    {
        if (values.Length != Count(shape))
            throw new ArgumentException($"{values.Length} values for a shape of {Count(shape)}", nameof(values));

        Type = type;
        this.shape = shape.ToArray();
        Values = values;
        for (int n = 0; n < values.Length; n++)
            values[n] = Round(type, values[n]);
    }

    /// <summary>The storage type.</summary>
    public DType Type { get; }

    /// <summary>Sizes, outermost first.</summary>
    public ReadOnlySpan<int> Shape => shape;

    /// <summary>The values in row-major order.</summary>
    public float[] Values { get; }

    /// <summary>Element (b, h, i, j) of a rank-4 tensor, an axis of size 1 repeating along that axis.</summary>
    public float Broadcast(int b, int h, int i, int j)
    {
        int at = shape[0] == 1 ? 0 : b;
        at = (at * shape[1]) + (shape[1] == 1 ? 0 : h);
        at = (at * shape[2]) + (shape[2] == 1 ? 0 : i);
        at = (at * shape[3]) + (shape[3] == 1 ? 0 : j);
        return Values[at];
    }

    /// <summary>The contiguous last axis at (b, h, i) of a rank-4 tensor.</summary>
    public ReadOnlySpan<float> Row(int b, int h, int i) =>
        Values.AsSpan(((((b * shape[1]) + h) * shape[2]) + i) * shape[3], shape[3]);

    /// <summary><paramref name="value"/> as <paramref name="type"/> stores it.</summary>
    public static float Round(DType type, float value) => type switch
    {
        DType.Float16 => (float)(Half)value,
        DType.BFloat16 => (BFloat16)value,
        _ => value,
    };

    /// <summary>The row-major index of each axis of element <paramref name="offset"/>.</summary>
    public static int[] IndexOf(ReadOnlySpan<int> shape, long offset)
    {
        int[] index = new int[shape.Length];
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            index[axis] = (int)(offset % shape[axis]);
            offset /= shape[axis];
        }
        return index;
    }

    /// <summary>The count of elements.</summary>
    public static int Count(ReadOnlySpan<int> shape)
    {
        int count = 1;
        foreach (int size in shape)
            count = checked(count * size);
        return count;
    }
}
