namespace AttnKernels;

/// <summary>The host type of each <see cref="DType"/>.</summary>
internal static class ElementTypes
{
    /// <summary>The storage type that <typeparamref name="T"/> uploads to.</summary>
    /// <exception cref="ArgumentException">No storage type has this host type.</exception>
    public static DType Of<T>() where T : unmanaged
    {
        if (typeof(T) == typeof(float)) return DType.Float32;
        if (typeof(T) == typeof(Half)) return DType.Float16;
        if (typeof(T) == typeof(BFloat16)) return DType.BFloat16;
        if (typeof(T) == typeof(int)) return DType.Int32;
        if (typeof(T) == typeof(bool) || typeof(T) == typeof(byte)) return DType.Bool;
        if (typeof(T) == typeof(sbyte)) return DType.Int8;
        throw new ArgumentException(
            $"{typeof(T)} has no DType. The host types are float, Half, BFloat16, int, sbyte and bool (or byte).", nameof(T));
    }

    /// <summary>Refuses to read or write elements of <paramref name="type"/> as <typeparamref name="T"/>.</summary>
    public static void Require<T>(DType type) where T : unmanaged
    {
        if (Of<T>() != type) throw new ArgumentException($"The tensor holds {type}, not {typeof(T).Name}.", nameof(T));
    }
}
