using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>One float: plain scalar code, for processors without vectors and as the plainest of the paths that tests compare.</summary>
internal readonly unsafe struct Width1 : IWidth<float>
{
    public static int Count => 1;

    public static int TileVectors => 2;

    public static float Zero => 0;

    public static float Set(float value) => value;

    public static float SetBits(uint bits) => BitConverter.UInt32BitsToSingle(bits);

    public static float Load(float* source) => *source;

    public static void Store(float* target, float value) => *target = value;

    public static void Stream(float* target, float value) => *target = value;

    public static void Prefetch(float* address)
    {
        // Nothing to gain: scalar code is slower than memory.
    }

    public static float LoadInt16(short* source) => Widened((uint)*source);

    public static void StoreUInt16(ushort* target, float bits) => *target = (ushort)Bits(bits);

    public static float LoadBytes(byte* source) => Widened(*source);

    public static float LoadInt8(sbyte* source) => *source;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float Fma(float a, float b, float c) => a * b + c;

    public static float Min(float a, float b) => a < b ? a : b;

    public static float Max(float a, float b) => a > b ? a : b;

    public static float And(float a, float b) => SetBits(Bits(a) & Bits(b));

    public static float Or(float a, float b) => SetBits(Bits(a) | Bits(b));

    public static float ShiftLeft(float bits, int count) => SetBits(Bits(bits) << count);

    public static float ShiftRight(float bits, int count) => SetBits(Bits(bits) >> count);

    public static float ShiftRightSigned(float bits, int count) => SetBits((uint)((int)Bits(bits) >> count));

    public static float AddBits(float a, float b) => SetBits(Bits(a) + Bits(b));

    public static float Select(float condition, float whereTrue, float whereFalse) => Bits(condition) != 0 ? whereTrue : whereFalse;

    public static float Equal(float a, float b) => Truth(a == b);

    public static float Less(float a, float b) => Truth(a < b);

    public static float LessBits(float a, float b) => Truth((int)Bits(a) < (int)Bits(b));

    public static float MaxAcross(float value) => value;

    public static float SumAcross(float value) => value;

    public static void StoreSums(float* target, float a, float b, float c, float d) =>
        (target[0], target[1], target[2], target[3]) = (a, b, c, d);

    public static float Fraction(float x)
    {
        x = Max(-127, x);
        return x - MathF.Floor(x);
    }

    public static float Scale(float value, float x) => float.IsNaN(x) ? x : value * SetBits((uint)((int)MathF.Floor(Max(-127, x))
        + 127) << 23);

    public static void Transpose<E>(byte** rows, nint column, float* target, nint targetStep)
        where E : struct, IElement => *target = E.Load<Width1, float>(rows[0] + column * E.Size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Bits(float value) => BitConverter.SingleToUInt32Bits(value);

    // Not inlined: the JIT of .NET 10.0 folds a widening load into the move to a float register and then reads four bytes.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Widened(uint bits) => SetBits(bits);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Truth(bool condition) => SetBits(condition ? uint.MaxValue : 0);
}
