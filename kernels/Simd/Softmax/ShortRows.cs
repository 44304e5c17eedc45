using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Softmax of rows of <typeparamref name="TVectors"/> whole vectors without score rules: a row stays in registers from its load to its
/// store. The chain of dependent instructions of one row is longer than what the processor sees ahead, so three rows are under way at
/// once: the sum and the output of one, the exponentials of the next, the maximum of the one after it.
/// </summary>
internal static unsafe class ShortRows<W, V, EX, EY, TVectors>
    where W : struct, IWidth<V>
    where V : struct
    where EX : struct, IElement
    where EY : struct, IElement
    where TVectors : struct, ISize
{
    /// <summary>
    /// y = softmax(scale x) with scale > 0 for up to <paramref name="rows"/> rows, whose steps are in bytes. Returns how many were
    /// computed: it stops before a row whose sum is 0 or NaN (nothing visible, NaN, overflow), of which nothing is written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Run<TLse>(byte* x, nint xStep, byte* y, nint yStep, int rows, float scale, bool stream, float* lse)
        where TLse : struct, IRowLse
    {
        // Base 2: exp(scale (x - max)) is one fused multiply-add and 2^t; the rounding of max * scale is one factor common to a row.
        scale *= Exp2.Log2E;
        V factor = W.Set(scale);
        V x0 = Load(x, 0);
        V x1 = TVectors.Value > 1 ? Load(x, 1) : x0;
        V x2 = TVectors.Value > 2 ? Load(x, 2) : x0;
        V x3 = TVectors.Value > 3 ? Load(x, 3) : x0;
        float shift = -scale * W.MaxAcross(W.Max(W.Max(x0, x1), W.Max(x2, x3)));
        float lastShift = 0;
        V p0 = W.Zero, p1 = W.Zero, p2 = W.Zero, p3 = W.Zero, sum = W.Zero;
        for (int row = 0; ; row++)
        {
            float l = W.SumAcross(sum);

            // After the last row comes the last once more.
            x += row < rows - 1 ? xStep : 0;
            V next0 = Load(x, 0);
            V next1 = TVectors.Value > 1 ? Load(x, 1) : next0;
            V next2 = TVectors.Value > 2 ? Load(x, 2) : next0;
            V next3 = TVectors.Value > 3 ? Load(x, 3) : next0;
            float nextShift = -scale * W.MaxAcross(W.Max(W.Max(next0, next1), W.Max(next2, next3)));

            V minusShift = W.Set(shift);
            x0 = Exp2.Of<W, V>(W.Fma(x0, factor, minusShift));
            if (TVectors.Value > 1) x1 = Exp2.Of<W, V>(W.Fma(x1, factor, minusShift));
            if (TVectors.Value > 2) x2 = Exp2.Of<W, V>(W.Fma(x2, factor, minusShift));
            if (TVectors.Value > 3) x3 = Exp2.Of<W, V>(W.Fma(x3, factor, minusShift));

            if (row > 0)
            {
                // A NaN that the maximum passed over is in the sum.
                if (!(l > 0)) return row - 1;
                V inverse = W.Set(1 / l);
                Store(y, 0, W.Multiply(p0, inverse), stream);
                if (TVectors.Value > 1) Store(y, 1, W.Multiply(p1, inverse), stream);
                if (TVectors.Value > 2) Store(y, 2, W.Multiply(p2, inverse), stream);
                if (TVectors.Value > 3) Store(y, 3, W.Multiply(p3, inverse), stream);
                TLse.Store(lse + row - 1, lastShift, l);
                y += yStep;
                if (row == rows) return rows;
            }

            (p0, p1, p2, p3) = (x0, x1, x2, x3);
            sum = TVectors.Value > 1 ? W.Add(p0, p1) : p0;
            if (TVectors.Value > 2) sum = W.Add(sum, TVectors.Value > 3 ? W.Add(p2, p3) : p2);
            (x0, x1, x2, x3) = (next0, next1, next2, next3);
            (lastShift, shift) = (shift, nextShift);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Load(byte* x, int vector) => EX.Load<W, V>(x + vector * W.Count * EX.Size);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(byte* y, int vector, V value, bool stream)
    {
        byte* target = y + vector * W.Count * EY.Size;
        if (stream) W.Stream((float*)target, value);
        else EY.Store<W, V>(target, value);
    }
}

/// <summary>Whether rows in registers leave their LSE. A logarithm is a call, around which no vector stays in its register.</summary>
internal unsafe interface IRowLse
{
    /// <summary>lse = log(l) - minusShift / log2(e).</summary>
    static abstract void Store(float* lse, float minusShift, float l);
}

/// <summary>They do not.</summary>
internal readonly unsafe struct NoLse : IRowLse
{
    public static void Store(float* lse, float minusShift, float l)
    {
    }
}

/// <summary>They do.</summary>
internal readonly unsafe struct StoreLse : IRowLse
{
    public static void Store(float* lse, float minusShift, float l) => *lse = MathF.Log(l) - minusShift * Exp2.Ln2;
}
