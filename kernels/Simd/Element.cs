using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>A storage type: widened to fp32 when loaded, rounded to nearest even when stored.</summary>
internal unsafe interface IElement
{
    /// <summary>Bytes of one element.</summary>
    static abstract int Size { get; }

    static abstract V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct;

    /// <summary>Vector <paramref name="index"/> of a row.</summary>
    static abstract V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct;

    static abstract void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct;
}

internal readonly unsafe struct Float32Element : IElement
{
    public static int Size => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => W.Load((float*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => Load<W, V>(row + index * W.Count * Size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => W.Store((float*)target, value);
}

internal readonly unsafe struct BFloat16Element : IElement
{
    public static int Size => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => W.ShiftLeft(W.LoadInt16((short*)source), 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => Load<W, V>(row + index * W.Count * Size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct
    {
        V upper = W.ShiftRight(value, 16);
        V rounded = W.ShiftRight(W.AddBits(value, W.AddBits(W.SetBits(0x7FFF), W.And(upper, W.SetBits(1)))), 16);
        V isNaN = W.LessBits(W.SetBits(0x7F800000), W.And(value, W.SetBits(0x7FFFFFFF)));
        W.StoreUInt16((ushort*)target, W.Select(isNaN, W.Or(upper, W.SetBits(0x40)), rounded));
    }
}

internal readonly unsafe struct Float16Element : IElement
{
    public static int Size => 2;

    /// <summary>The exponent moves by a multiplication, which normalises subnormals; infinities and NaN get the full exponent.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct
    {
        V bits = W.And(W.ShiftLeft(W.LoadInt16((short*)source), 13), W.SetBits(0x8FFFE000));
        V isSpecial = W.LessBits(W.SetBits((0x7C00 << 13) - 1), W.And(bits, W.SetBits(0x7FFFFFFF)));
        V finite = W.Multiply(bits, W.SetBits((127 + 112) << 23));
        return W.Select(isSpecial, W.Or(bits, W.SetBits(0x7F800000)), finite);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => Load<W, V>(row + index * W.Count * Size);

    /// <summary>Normal results round by an integer addition, subnormal ones by adding 0.5, whose unit is the smallest binary16.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct
    {
        V magnitude = W.And(value, W.SetBits(0x7FFFFFFF));
        V sign = W.ShiftRight(W.And(value, W.SetBits(0x80000000)), 16);
        V odd = W.And(W.ShiftRight(magnitude, 13), W.SetBits(1));
        V normal = W.ShiftRight(W.AddBits(W.AddBits(magnitude, W.SetBits(0xC8000FFF)), odd), 13);
        V subnormal = W.AddBits(W.Add(magnitude, W.Set(0.5f)), W.SetBits(0xC1000000));
        V result = W.Select(W.LessBits(magnitude, W.SetBits(0x38800000)), subnormal, normal);
        V special = W.Select(W.LessBits(W.SetBits(0x7F800000), magnitude), W.SetBits(0x7E00), W.SetBits(0x7C00));
        result = W.Select(W.LessBits(magnitude, W.SetBits(0x47800000)), result, special);
        W.StoreUInt16((ushort*)target, W.Or(sign, result));
    }
}

/// <summary>8-bit integers; never stored.</summary>
internal readonly unsafe struct Int8Element : IElement
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => W.LoadInt8((sbyte*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => Load<W, V>(row + index * W.Count * Size);

    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("quantised rows are only read");
}

/// <summary>A boolean mask as a source of the bits 0 and nonzero; never stored.</summary>
internal readonly unsafe struct ByteElement : IElement
{
    public static int Size => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => W.LoadBytes(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => Load<W, V>(row + index * W.Count * Size);

    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("a mask is only read");
}
