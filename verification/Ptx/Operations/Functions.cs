using System.Numerics;

namespace AttnKernels.Verification.Ptx.Operations;

// What the elementwise instructions compute (PTX ISA 7.8, sections 9.7.1 to 9.7.9).

internal readonly struct Move<T> : IUnary<T, T>
{
    public static T Apply(T a) => a;
}

internal readonly struct Not<T> : IUnary<T, T>
    where T : IBitwiseOperators<T, T, T>
{
    public static T Apply(T a) => ~a;
}

internal readonly struct NotPredicate : IUnary<bool, bool>
{
    public static bool Apply(bool a) => !a;
}

internal readonly struct Negate<T> : IUnary<T, T>
    where T : IUnaryNegationOperators<T, T>
{
    public static T Apply(T a) => -a;
}

/// <summary>Of the smallest integer, which has none, that integer.</summary>
internal readonly struct Absolute<T> : IUnary<T, T>
    where T : INumber<T>
{
    public static T Apply(T a) => T.IsNegative(a) ? -a : a;
}

internal readonly struct SquareRoot : IUnary<float, float>
{
    public static float Apply(float a) => MathF.Sqrt(a);
}

internal readonly struct Reciprocal : IUnary<float, float>
{
    public static float Apply(float a) => 1 / a;
}

/// <summary>Integers: cut off or extended. Floats: to the nearest.</summary>
internal readonly struct Convert<TFrom, TTo> : IUnary<TFrom, TTo>
    where TFrom : INumberBase<TFrom>
    where TTo : INumberBase<TTo>
{
    public static TTo Apply(TFrom a) => TTo.CreateTruncating(a);
}

/// <summary>cvt.rzi: what does not fit becomes the nearest that does, NaN 0.</summary>
internal readonly struct TowardsZero<T> : IUnary<float, T>
    where T : IBinaryInteger<T>
{
    public static T Apply(float a) => T.CreateSaturating(a);
}

internal readonly struct Add<T> : IBinary<T, T>
    where T : IAdditionOperators<T, T, T>
{
    public static T Apply(T a, T b) => a + b;
}

internal readonly struct Subtract<T> : IBinary<T, T>
    where T : ISubtractionOperators<T, T, T>
{
    public static T Apply(T a, T b) => a - b;
}

/// <summary>Of integers the lower half.</summary>
internal readonly struct Multiply<T> : IBinary<T, T>
    where T : IMultiplyOperators<T, T, T>
{
    public static T Apply(T a, T b) => a * b;
}

internal readonly struct MultiplyWide : IBinary<uint, ulong>
{
    public static ulong Apply(uint a, uint b) => (ulong)a * b;
}

internal readonly struct DivideFloat : IBinary<float, float>
{
    public static float Apply(float a, float b) => a / b;
}

/// <summary>By 0 the result is any; a GPU does not fault.</summary>
internal readonly struct Divide<T> : IBinary<T, T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T a, T b) => T.IsZero(b) ? ~T.Zero : T.IsNegative(b) && b == ~T.Zero ? T.Zero - a : a / b;
}

/// <inheritdoc cref="Divide{T}"/>
internal readonly struct Remainder<T> : IBinary<T, T>
    where T : IBinaryInteger<T>
{
    public static T Apply(T a, T b) => T.IsZero(b) || (T.IsNegative(b) && b == ~T.Zero) ? T.Zero : a % b;
}

/// <summary>Of floats the number where one is NaN.</summary>
internal readonly struct Maximum<T> : IBinary<T, T>
    where T : INumber<T>
{
    public static T Apply(T a, T b) => T.MaxNumber(a, b);
}

/// <inheritdoc cref="Maximum{T}"/>
internal readonly struct Minimum<T> : IBinary<T, T>
    where T : INumber<T>
{
    public static T Apply(T a, T b) => T.MinNumber(a, b);
}

internal readonly struct And<T> : IBinary<T, T>
    where T : IBitwiseOperators<T, T, T>
{
    public static T Apply(T a, T b) => a & b;
}

internal readonly struct Or<T> : IBinary<T, T>
    where T : IBitwiseOperators<T, T, T>
{
    public static T Apply(T a, T b) => a | b;
}

internal readonly struct Xor<T> : IBinary<T, T>
    where T : IBitwiseOperators<T, T, T>
{
    public static T Apply(T a, T b) => a ^ b;
}

internal readonly struct AndPredicate : IBinary<bool, bool>
{
    public static bool Apply(bool a, bool b) => a && b;
}

internal readonly struct OrPredicate : IBinary<bool, bool>
{
    public static bool Apply(bool a, bool b) => a || b;
}

/// <summary>shl of 32 bits: by 32 and more it leaves nothing.</summary>
internal readonly struct ShiftLeft32 : IBinary<uint, uint>
{
    public static uint Apply(uint a, uint b) => b > 31 ? 0 : a << (int)b;
}

internal readonly struct ShiftLeft64 : IBinary<ulong, ulong>
{
    public static ulong Apply(ulong a, ulong b) => (uint)b > 63 ? 0 : a << (int)b;
}

internal readonly struct ShiftRight32 : IBinary<uint, uint>
{
    public static uint Apply(uint a, uint b) => b > 31 ? 0 : a >> (int)b;
}

internal readonly struct ShiftRight64 : IBinary<ulong, ulong>
{
    public static ulong Apply(ulong a, ulong b) => (uint)b > 63 ? 0 : a >> (int)b;
}

/// <summary>shr of signed integers keeps the sign.</summary>
internal readonly struct ShiftRightSigned32 : IBinary<int, int>
{
    public static int Apply(int a, int b) => a >> (int)Math.Min((uint)b, 31);
}

internal readonly struct ShiftRightSigned64 : IBinary<long, long>
{
    public static long Apply(long a, long b) => a >> (int)Math.Min((uint)b, 63);
}

internal readonly struct Equal<T> : IBinary<T, bool>
    where T : IEqualityOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a == b;
}

/// <summary>Integers; of floats this is neu, true where one is NaN.</summary>
internal readonly struct NotEqual<T> : IBinary<T, bool>
    where T : IEqualityOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a != b;
}

internal readonly struct Less<T> : IBinary<T, bool>
    where T : IComparisonOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a < b;
}

internal readonly struct LessOrEqual<T> : IBinary<T, bool>
    where T : IComparisonOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a <= b;
}

internal readonly struct Greater<T> : IBinary<T, bool>
    where T : IComparisonOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a > b;
}

internal readonly struct GreaterOrEqual<T> : IBinary<T, bool>
    where T : IComparisonOperators<T, T, bool>
{
    public static bool Apply(T a, T b) => a >= b;
}

/// <summary>geu: true where one is NaN.</summary>
internal readonly struct NotLess : IBinary<float, bool>
{
    public static bool Apply(float a, float b) => !(a < b);
}

/// <summary>gtu: true where one is NaN.</summary>
internal readonly struct NotLessOrEqual : IBinary<float, bool>
{
    public static bool Apply(float a, float b) => !(a <= b);
}

/// <summary>ltu: true where one is NaN.</summary>
internal readonly struct NotGreaterOrEqual : IBinary<float, bool>
{
    public static bool Apply(float a, float b) => !(a >= b);
}

/// <summary>leu: true where one is NaN.</summary>
internal readonly struct NotGreater : IBinary<float, bool>
{
    public static bool Apply(float a, float b) => !(a > b);
}

/// <summary>Two floats in 16 bits each, the first in the upper half; to the nearest, a NaN as 0x7FFF.</summary>
internal readonly struct PackFloat16 : IBinary<float, uint>
{
    public static uint Apply(float a, float b) => (uint)Narrow(a) << 16 | Narrow(b);

    private static ushort Narrow(float value) => float.IsNaN(value) ? (ushort)0x7FFF : BitConverter.HalfToUInt16Bits((Half)value);
}

/// <inheritdoc cref="PackFloat16"/>
internal readonly struct PackBFloat16 : IBinary<float, uint>
{
    public static uint Apply(float a, float b) => Narrow(a) << 16 | Narrow(b);

    private static uint Narrow(float value)
    {
        if (float.IsNaN(value)) return 0x7FFF;
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    }
}
