using System.Text;

namespace AttnKernels;

/// <summary>Arithmetic on shapes, in 64 bits and checked.</summary>
internal static class Sizes
{
    /// <summary>Product of <paramref name="shape"/>.</summary>
    /// <exception cref="ArgumentException">It does not fit in 63 bits, or an axis is below 1.</exception>
    public static long Count(ReadOnlySpan<int> shape)
    {
        foreach (int size in shape)
        {
            if (size < 1) throw new ArgumentException($"Every axis must be at least 1; the shape is {Format(shape)}.", nameof(shape));
        }
        if (!TryBytes(DType.Bool, shape, out long count))
            throw new ArgumentException($"A tensor of shape {Format(shape)} has more than 2^63 elements.", nameof(shape));
        return count;
    }

    /// <summary>Size in bytes; false where it does not fit in 63 bits.</summary>
    public static bool TryBytes(DType type, ReadOnlySpan<int> shape, out long bytes)
    {
        Int128 product = type.Size();
        foreach (int size in shape)
        {
            product *= size;
            if (product > long.MaxValue)
            {
                bytes = 0;
                return false;
            }
        }
        bytes = (long)product;
        return true;
    }

    /// <summary>"(2, 8, 512, 64)"</summary>
    public static string Format(ReadOnlySpan<int> shape)
    {
        StringBuilder text = new("(");
        for (int axis = 0; axis < shape.Length; axis++) text.Append(axis == 0 ? "" : ", ").Append(shape[axis]);
        return text.Append(')').ToString();
    }

    /// <summary>"(262144, 32768, 64, 1)"</summary>
    public static string Format(ReadOnlySpan<long> strides)
    {
        StringBuilder text = new("(");
        for (int axis = 0; axis < strides.Length; axis++) text.Append(axis == 0 ? "" : ", ").Append(strides[axis]);
        return text.Append(')').ToString();
    }

    /// <summary>"1.50 GiB"</summary>
    public static string FormatBytes(long bytes) => bytes switch
    {
        >= 1L << 30 => $"{bytes / (double)(1L << 30):F2} GiB",
        >= 1L << 20 => $"{bytes / (double)(1L << 20):F2} MiB",
        >= 1L << 10 => $"{bytes / (double)(1L << 10):F2} KiB",
        _ => $"{bytes} B",
    };
}
