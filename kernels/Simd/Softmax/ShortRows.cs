using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Softmax of rows of <typeparamref name="TVectors"/> whole vectors without score rules: a row stays in registers from its load to its
/// store. Nothing is called or decided between two rows, so the processor overlaps the reductions of one with the exponentials of others.
/// </summary>
internal static unsafe class ShortRows<W, V, EX, EY, TVectors>
    where W : struct, IWidth<V>
    where V : struct
    where EX : struct, IElement
    where EY : struct, IElement
    where TVectors : struct, ISize
{
    /// <summary>
    /// y = softmax(scale x) for up to <paramref name="rows"/> rows, whose steps are in bytes; lse may be null. Returns how many were
    /// computed: it stops before a row whose sum is NaN, of which nothing is written.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Run(byte* x, nint xStep, byte* y, nint yStep, int rows, float scale, bool stream, float* lse)
    {
        V factor = W.Set(scale);
        V log2E = W.Set(Exp2.Log2E);
        for (int row = 0; row < rows; row++, x += xStep, y += yStep)
        {
            V s0 = Score(x, 0, factor);
            V s1 = TVectors.Value > 1 ? Score(x, 1, factor) : s0;
            V s2 = TVectors.Value > 2 ? Score(x, 2, factor) : s0;
            V s3 = TVectors.Value > 3 ? Score(x, 3, factor) : s0;

            // A NaN that the maximum passes over makes the sum NaN.
            float m = W.MaxAcross(W.Max(W.Max(s0, s1), W.Max(s2, s3)));
            V minusShift = W.Set(float.IsNegativeInfinity(m) ? 0 : -m * Exp2.Log2E);
            s0 = Exp2.Of<W, V>(W.Fma(s0, log2E, minusShift));
            if (TVectors.Value > 1) s1 = Exp2.Of<W, V>(W.Fma(s1, log2E, minusShift));
            if (TVectors.Value > 2) s2 = Exp2.Of<W, V>(W.Fma(s2, log2E, minusShift));
            if (TVectors.Value > 3) s3 = Exp2.Of<W, V>(W.Fma(s3, log2E, minusShift));
            V sum = TVectors.Value > 1 ? W.Add(s0, s1) : s0;
            if (TVectors.Value > 2) sum = W.Add(sum, TVectors.Value > 3 ? W.Add(s2, s3) : s2);
            float l = W.SumAcross(sum);
            if (float.IsNaN(l)) return row;

            V inverse = W.Set(l == 0 ? 0 : 1 / l);
            Store(y, 0, W.Multiply(s0, inverse), stream);
            if (TVectors.Value > 1) Store(y, 1, W.Multiply(s1, inverse), stream);
            if (TVectors.Value > 2) Store(y, 2, W.Multiply(s2, inverse), stream);
            if (TVectors.Value > 3) Store(y, 3, W.Multiply(s3, inverse), stream);
            if (lse != null) lse[row] = m + MathF.Log(l);
        }

        return rows;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Score(byte* x, int vector, V factor) => W.Multiply(factor, EX.Load<W, V>(x + vector * W.Count * EX.Size));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(byte* y, int vector, V value, bool stream)
    {
        byte* target = y + vector * W.Count * EY.Size;
        if (stream) W.Stream((float*)target, value);
        else EY.Store<W, V>(target, value);
    }
}
