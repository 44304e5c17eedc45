using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>How the rows of K and V are read in decoding.</summary>
internal interface IKeyElement : IElement
{
    /// <summary>
    /// Whether two vectors hold the even and the odd elements of their stretch: 16-bit elements are then taken out of 32-bit lanes by a
    /// mask and a shift, which takes half the instructions of a widening load. Rows are whole pairs of vectors.
    /// </summary>
    static abstract bool Pairs { get; }

    /// <summary>What a loaded value is to be multiplied with; a power of 2.</summary>
    static abstract float Unit { get; }
}

/// <summary>Elements in their order, of unit 1.</summary>
internal readonly unsafe struct Plain<E> : IKeyElement
    where E : struct, IElement
{
    public static bool Pairs => false;

    public static float Unit => 1;

    public static int Size => E.Size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => E.Load<W, V>(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct => E.LoadAt<W, V>(row, index);

    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("keys are only read");
}

internal readonly unsafe struct BFloat16Pairs : IKeyElement
{
    public static bool Pairs => true;

    public static float Unit => 1;

    public static int Size => 2;

    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("rows are whole pairs of vectors");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct
    {
        V both = W.Load((float*)row + index / 2 * W.Count);
        return index % 2 == 0 ? W.ShiftLeft(both, 16) : W.And(both, W.SetBits(0xFFFF0000));
    }

    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("keys are only read");
}

/// <summary>The exponent stays that of binary16: values are 2^-112 of what they should be, subnormal ones included.</summary>
internal readonly unsafe struct Float16Pairs : IKeyElement
{
    public static bool Pairs => true;

    public static float Unit => 5.192296858534828e33f;

    public static int Size => 2;

    public static V Load<W, V>(byte* source)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("rows are whole pairs of vectors");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V LoadAt<W, V>(byte* row, int index)
        where W : struct, IWidth<V>
        where V : struct
    {
        V both = W.Load((float*)row + index / 2 * W.Count);
        V upper = index % 2 == 0 ? W.ShiftLeft(both, 16) : both;
        V bits = W.And(W.ShiftRightSigned(upper, 3), W.SetBits(0x8FFFE000));
        V isSpecial = W.LessBits(W.SetBits((0x7C00 << 13) - 1), W.And(bits, W.SetBits(0x7FFFFFFF)));
        return W.Select(isSpecial, W.Or(bits, W.SetBits(0x7F800000)), bits);
    }

    public static void Store<W, V>(byte* target, V value)
        where W : struct, IWidth<V>
        where V : struct => throw new NotSupportedException("keys are only read");
}
