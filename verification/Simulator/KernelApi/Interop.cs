namespace ILGPU;

/// <summary>Bit casts and sizes.</summary>
public static class Interop
{
    /// <summary>Size of a value in bytes.</summary>
    public static unsafe int SizeOf<T>()
        where T : unmanaged => sizeof(T);

    /// <summary>The bits of a half.</summary>
    public static ushort FloatAsInt(Half value) => BitConverter.HalfToUInt16Bits(value.Value);

    /// <summary>The bits of a float.</summary>
    public static uint FloatAsInt(float value) => BitConverter.SingleToUInt32Bits(value);

    /// <summary>The bits of a double.</summary>
    public static ulong FloatAsInt(double value) => BitConverter.DoubleToUInt64Bits(value);

    /// <summary>The half of these bits.</summary>
    public static Half IntAsFloat(ushort value) => new(BitConverter.UInt16BitsToHalf(value));

    /// <summary>The float of these bits.</summary>
    public static float IntAsFloat(uint value) => BitConverter.UInt32BitsToSingle(value);

    /// <summary>The double of these bits.</summary>
    public static double IntAsFloat(ulong value) => BitConverter.UInt64BitsToDouble(value);
}

/// <summary>Memory fences. One lane runs at a time, so they have nothing to do here; they order nothing in the race check either.</summary>
public static class MemoryFence
{
    /// <summary>A fence for the group.</summary>
    public static void GroupLevel() => Interlocked.MemoryBarrier();

    /// <summary>A fence for the device.</summary>
    public static void DeviceLevel() => Interlocked.MemoryBarrier();

    /// <summary>A fence for the system.</summary>
    public static void SystemLevel() => Interlocked.MemoryBarrier();
}
