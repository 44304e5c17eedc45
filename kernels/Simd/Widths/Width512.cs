using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AttnKernels.Simd;

/// <summary>16 floats. 6 x 4 accumulators, 4 operands and a broadcast take 29 of 32 registers.</summary>
internal readonly unsafe struct Width512 : IWidth<Vector512<float>>
{
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512F.IsSupported && Avx512DQ.IsSupported;

    public static int Count => 16;

    public static int TileVectors => 4;

    public static Vector512<float> Zero => Vector512<float>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Set(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SetBits(uint bits) => Vector512.Create(bits).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* target, Vector512<float> value) => value.Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(float* target, Vector512<float> value) => value.StoreAlignedNonTemporal(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(float* address) => Sse.Prefetch1(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt16(short* source) => Avx512F.ConvertToVector512Int32(Vector256.Load(source)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreUInt16(ushort* target, Vector512<float> bits) =>
        Avx512F.ConvertToVector256UInt16(bits.AsUInt32()).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBytes(byte* source) => Avx512F.ConvertToVector512Int32(Vector128.Load(source)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadInt8(sbyte* source) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load(source)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fma(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Avx512F.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Avx512F.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Avx512F.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> And(Vector512<float> a, Vector512<float> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Or(Vector512<float> a, Vector512<float> b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftLeft(Vector512<float> bits, int count) => (bits.AsUInt32() << count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftRight(Vector512<float> bits, int count) => (bits.AsUInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> ShiftRightSigned(Vector512<float> bits, int count) => (bits.AsInt32() >> count).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> AddBits(Vector512<float> a, Vector512<float> b) => (a.AsUInt32() + b.AsUInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Select(Vector512<float> condition, Vector512<float> whereTrue, Vector512<float> whereFalse) =>
        Vector512.ConditionalSelect(condition, whereTrue, whereFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Equal(Vector512<float> a, Vector512<float> b) => Vector512.Equals(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Less(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LessBits(Vector512<float> a, Vector512<float> b) => Vector512.LessThan(a.AsInt32(),
        b.AsInt32()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector512<float> value) => Width256.MaxAcross(Avx.Max(value.GetLower(), value.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumAcross(Vector512<float> value) => Width256.SumAcross(value.GetLower() + value.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreSums(float* target, Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d) =>
        Width256.StoreSums(target, a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper(), c.GetLower() + c.GetUpper(),
            d.GetLower() + d.GetUpper());

    // VREDUCEPS rounds down with immediate 1 and gives 0 for infinities; VSCALEFPS takes the floor itself.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Fraction(Vector512<float> x) => Avx512DQ.Reduce(x, 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> value, Vector512<float> x) => Avx512F.Scale(value, x);

    /// <summary>16 x 16 in four rounds: pairs, quads, then 128-bit lanes twice.</summary>
    public static void Transpose<E>(byte** rows, nint column, float* target, nint targetStep)
        where E : struct, IElement
    {
        Quads<E>(rows, column, out var a0, out var a1, out var a2, out var a3);
        Quads<E>(rows + 4, column, out var b0, out var b1, out var b2, out var b3);
        Quads<E>(rows + 8, column, out var c0, out var c1, out var c2, out var c3);
        Quads<E>(rows + 12, column, out var d0, out var d1, out var d2, out var d3);
        nint lane = 4 * targetStep;
        Lanes(a0, b0, c0, d0, target, lane);
        Lanes(a1, b1, c1, d1, target + targetStep, lane);
        Lanes(a2, b2, c2, d2, target + 2 * targetStep, lane);
        Lanes(a3, b3, c3, d3, target + 3 * targetStep, lane);
    }

    /// <summary>Four rows to four vectors: lane L of vector c holds column 4 L + c of the four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quads<E>(byte** rows, nint column, out Vector512<float> q0, out Vector512<float> q1,
        out Vector512<float> q2, out Vector512<float> q3)
        where E : struct, IElement
    {
        var r0 = E.Load<Width512, Vector512<float>>(rows[0] + column * E.Size);
        var r1 = E.Load<Width512, Vector512<float>>(rows[1] + column * E.Size);
        var r2 = E.Load<Width512, Vector512<float>>(rows[2] + column * E.Size);
        var r3 = E.Load<Width512, Vector512<float>>(rows[3] + column * E.Size);
        var low01 = Avx512F.UnpackLow(r0, r1).AsDouble();
        var high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        var low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
        var high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        q0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        q1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        q2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        q3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>Gathers the equal 128-bit lanes of four vectors into four target rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lanes(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* target, nint lane)
    {
        var ab01 = Avx512F.Shuffle4x128(a, b, 0x44);
        var ab23 = Avx512F.Shuffle4x128(a, b, 0xEE);
        var cd01 = Avx512F.Shuffle4x128(c, d, 0x44);
        var cd23 = Avx512F.Shuffle4x128(c, d, 0xEE);
        Avx512F.Shuffle4x128(ab01, cd01, 0x88).Store(target);
        Avx512F.Shuffle4x128(ab01, cd01, 0xDD).Store(target + lane);
        Avx512F.Shuffle4x128(ab23, cd23, 0x88).Store(target + 2 * lane);
        Avx512F.Shuffle4x128(ab23, cd23, 0xDD).Store(target + 3 * lane);
    }
}
