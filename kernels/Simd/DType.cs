namespace AttnKernels;

/// <summary>The type of a tensor's elements in memory. Arithmetic is in fp32 whatever the storage.</summary>
public enum DType
{
    /// <summary>IEEE binary32.</summary>
    Float32,

    /// <summary>IEEE binary16; <see cref="System.Half"/> on the host.</summary>
    Float16,

    /// <summary>The upper half of a binary32; <see cref="AttnKernels.BFloat16"/> on the host.</summary>
    BFloat16,

    /// <summary>32-bit signed integer: key lengths, positions.</summary>
    Int32,

    /// <summary>One byte, 0 = false: boolean masks.</summary>
    Bool,

    /// <summary>8-bit signed integer: quantised keys and values, each a multiple of its row's scale.</summary>
    Int8,
}

/// <summary>Facts about a <see cref="DType"/>.</summary>
public static class DTypes
{
    /// <summary>Size of one element in bytes.</summary>
    public static int Size(this DType type) => type switch
    {
        DType.Float32 or DType.Int32 => 4,
        DType.Float16 or DType.BFloat16 => 2,
        DType.Bool or DType.Int8 => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a DType"),
    };

    /// <summary>Whether <paramref name="type"/> is one of the three floating-point storage types.</summary>
    public static bool IsFloat(this DType type) => type is DType.Float32 or DType.Float16 or DType.BFloat16;
}
