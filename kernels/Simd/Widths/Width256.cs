using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttnKernels.Simd;

/// <summary>8 floats. 6 x 2 accumulators, 2 operands and a broadcast take 15 of 16 registers.</summary>
internal readonly unsafe struct Width256 : IWidth<Vector256<float>>
{
    public static bool IsSupported => Vector256.IsHardwareAccelerated && Avx2.IsSupported && System.Runtime.Intrinsics.X86.Fma.IsSupported;

    public static int Count => 8;

    public static int TileVectors => 2;

    public static Vector256<float> Zero => Vector256<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Set(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SetBits(uint bits) => Vector256.Create(bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector256<float> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(float* target, Vector256<float> value) => value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch1(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt16(short* source) => Avx2.ConvertToVector256Int32(source).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt16(ushort* target, Vector256<float> bits) =>
        Vector128.Narrow(bits.GetLower().AsUInt32(), bits.GetUpper().AsUInt32()).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBytes(byte* source) => Avx2.ConvertToVector256Int32(source).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadInt8(sbyte* source) => Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Avx.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> And(Vector256<float> a, Vector256<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Or(Vector256<float> a, Vector256<float> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftLeft(Vector256<float> bits, int count) => (bits.AsUInt32() << count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftRight(Vector256<float> bits, int count) => (bits.AsUInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> ShiftRightSigned(Vector256<float> bits, int count) => (bits.AsInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> AddBits(Vector256<float> a, Vector256<float> b) => (a.AsUInt32() + b.AsUInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Select(Vector256<float> condition, Vector256<float> whereTrue, Vector256<float> whereFalse) =>
        Vector256.ConditionalSelect(condition, whereTrue, whereFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Equal(Vector256<float> a, Vector256<float> b) => Vector256.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Less(Vector256<float> a, Vector256<float> b) => Vector256.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LessBits(Vector256<float> a, Vector256<float> b) => Vector256.LessThan(a.AsInt32(),
        b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector256<float> value) => Width128.MaxAcross(Sse.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumAcross(Vector256<float> value) => Width128.SumAcross(value.GetLower() + value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(float* target, Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d) =>
        Width128.StoreSums(target, a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(),
            d.GetLower() + d.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fraction(Vector256<float> x)
    {
        x = Max(Set(-127), x);
        return x - Vector256.Floor(x);
    }

    // 2^floor(x) by its exponent bits; -127 gives bits of 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> value, Vector256<float> x)
    {
        var exponent = Vector256.ConvertToInt32Native(Vector256.Floor(Max(Set(-127), x)));
        return value * ((exponent + Vector256.Create(127)) << 23).AsSingle();
    }

    /// <summary>8 x 8 in three rounds: pairs, quads, then 128-bit lanes.</summary>
    public static void Transpose<E>(byte** rows, nint column, float* target, nint targetStep)
        where E : struct, IElement
    {
        Quads<E>(rows, column, out var a0, out var a1, out var a2, out var a3);
        Quads<E>(rows + 4, column, out var b0, out var b1, out var b2, out var b3);
        Lanes(a0, b0, target, 4 * targetStep);
        Lanes(a1, b1, target + targetStep, 4 * targetStep);
        Lanes(a2, b2, target + 2 * targetStep, 4 * targetStep);
        Lanes(a3, b3, target + 3 * targetStep, 4 * targetStep);
    }

    /// <summary>Four rows to four vectors: lane L of vector c holds column 4 L + c of the four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads<E>(byte** rows, nint column, out Vector256<float> q0, out Vector256<float> q1,
        out Vector256<float> q2, out Vector256<float> q3)
        where E : struct, IElement
    {
        var r0 = E.Load<Width256, Vector256<float>>(rows[0] + column * E.Size);
        var r1 = E.Load<Width256, Vector256<float>>(rows[1] + column * E.Size);
        var r2 = E.Load<Width256, Vector256<float>>(rows[2] + column * E.Size);
        var r3 = E.Load<Width256, Vector256<float>>(rows[3] + column * E.Size);
        var low01 = Avx.UnpackLow(r0, r1).AsDouble();
        var high01 = Avx.UnpackHigh(r0, r1).AsDouble();
        var low23 = Avx.UnpackLow(r2, r3).AsDouble();
        var high23 = Avx.UnpackHigh(r2, r3).AsDouble();
        q0 = Avx.UnpackLow(low01, low23).AsSingle();
        q1 = Avx.UnpackHigh(low01, low23).AsSingle();
        q2 = Avx.UnpackLow(high01, high23).AsSingle();
        q3 = Avx.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>Gathers the equal 128-bit lanes of two vectors into two target rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(Vector256<float> a, Vector256<float> b, float* target, nint lane)
    {
        Avx.Permute2x128(a, b, 0x20).Store(target);
        Avx.Permute2x128(a, b, 0x31).Store(target + lane);
    }
}
