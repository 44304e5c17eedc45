using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>Contiguous rows of elements.</summary>
internal static unsafe class Rows<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>target[c] = row[c] as fp32.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen<E>(byte* row, float* target, int columns)
        where E : struct, IElement
    {
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) W.Store(target + c, E.Load<W, V>(row + (nint)c * E.Size));
        for (; c < columns; c++) target[c] = E.Load<Width1, float>(row + (nint)c * E.Size);
    }

    /// <summary>Asks for the cache lines of a row of bytes.</summary>
    public static void Prefetch(byte* row, int bytes)
    {
        for (int c = 0; c < bytes; c += Scratch.Alignment) W.Prefetch((float*)(row + c));
    }

    /// <summary>row[c] *= factor; the length is a multiple of the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* row, float factor, int columns)
    {
        V scale = W.Set(factor);
        for (int c = 0; c < columns; c += W.Count) W.Store(row + c, W.Multiply(scale, W.Load(row + c)));
    }

    /// <summary>row[c] = row[c] * factor + addend[c]; addend may be null. The length is a multiple of the width.</summary>
    public static void AddScaled(float* row, float factor, float* addend, int columns)
    {
        V scale = W.Set(factor);
        for (int c = 0; c < columns; c += W.Count)
        {
            V scaled = W.Multiply(scale, W.Load(row + c));
            W.Store(row + c, addend == null ? scaled : W.Add(scaled, W.Load(addend + c)));
        }
    }

    /// <summary>target[c] = row[c] * factor, rounded to E.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Narrow<E>(float* row, float factor, byte* target, int columns)
        where E : struct, IElement
    {
        V scale = W.Set(factor);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) E.Store<W, V>(target + (nint)c * E.Size, W.Multiply(scale, W.Load(row + c)));
        for (; c < columns; c++) E.Store<Width1, float>(target + (nint)c * E.Size, row[c] * factor);
    }

    /// <summary>target[c] = value.</summary>
    public static void Fill<E>(byte* target, float value, int columns)
        where E : struct, IElement
    {
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) E.Store<W, V>(target + (nint)c * E.Size, W.Set(value));
        for (; c < columns; c++) E.Store<Width1, float>(target + (nint)c * E.Size, value);
    }

    /// <summary>
    /// s = exp(s - m) unless <paramref name="keep"/>; returns the sum. m = -inf (nothing is visible) gives zeros. Base 2:
    /// exp2(s log2(e) - m log2(e)) is one fused multiply-add; the rounding of m log2(e) is one factor common to all. On the way, a row of
    /// elements of
    /// <paramref name="nextSize"/> bytes at <paramref name="next"/> is prefetched.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* s, int columns, float m, bool keep, float* next = null, int nextSize = 0)
    {
        float shift = float.IsNegativeInfinity(m) ? 0 : m * Exp2.Log2E;
        V log2E = W.Set(Exp2.Log2E);
        V minusShift = W.Set(-shift);
        V sum = W.Zero;
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            V p = Exp2.Of<W, V>(W.Fma(W.Load(s + c), log2E, minusShift));
            sum = W.Add(sum, p);
            if (!keep) W.Store(s + c, p);
            if (next != null) W.Prefetch((float*)((byte*)next + (nint)c * nextSize));
        }

        float l = W.SumAcross(sum);
        for (; c < columns; c++)
        {
            float p = Exp2.Of<Width1, float>(s[c] * Exp2.Log2E - shift);
            l += p;
            if (!keep) s[c] = p;
        }

        return l;
    }

    /// <summary>
    /// Whether any element of the rows, <paramref name="step"/> bytes apart, is infinite or NaN: 0 * x is then NaN, and so is every sum it
    /// enters. One multiply-add a vector.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool HaveNonFinite<E>(byte* rows, int count, nint step, int columns)
        where E : struct, IElement
    {
        V sum0 = W.Zero, sum1 = W.Zero, sum2 = W.Zero, sum3 = W.Zero;
        float tail = 0;
        int vector = W.Count * E.Size;
        for (int r = 0; r < count; r++, rows += step)
        {
            byte* x = rows;
            int c = 0;
            for (; c <= columns - 4 * W.Count; c += 4 * W.Count, x += 4 * vector)
            {
                sum0 = W.Fma(E.LoadAt<W, V>(x, 0), W.Zero, sum0);
                sum1 = W.Fma(E.LoadAt<W, V>(x, 1), W.Zero, sum1);
                sum2 = W.Fma(E.LoadAt<W, V>(x, 2), W.Zero, sum2);
                sum3 = W.Fma(E.LoadAt<W, V>(x, 3), W.Zero, sum3);
            }

            for (; c <= columns - 2 * W.Count; c += 2 * W.Count, x += 2 * vector)
            {
                sum0 = W.Fma(E.LoadAt<W, V>(x, 0), W.Zero, sum0);
                sum1 = W.Fma(E.LoadAt<W, V>(x, 1), W.Zero, sum1);
            }

            for (; c <= columns - W.Count; c += W.Count, x += vector) sum0 = W.Fma(E.Load<W, V>(x), W.Zero, sum0);
            for (; c < columns; c++, x += E.Size) tail += 0 * E.Load<Width1, float>(x);
        }

        V sum = W.Add(W.Add(sum0, sum1), W.Add(sum2, sum3));
        return float.IsNaN(tail + W.SumAcross(sum));
    }
}
