using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>Exponentials and the like, for any width.</summary>
internal static class Exp2
{
    public const float Log2E = 1.44269504f;

    public const float Ln2 = 0.693147181f;

    /// <summary>
    /// 2^x for x &lt;= 0: relative error below 1.5e-7 (1.2 ulp), exactly 1 at 0, exactly 0 at -inf and (by flush) below about -126, NaN
    /// for NaN.
    /// The polynomial is the minimax fit of degree 5 to 2^f on [0, 1) with p(0) = 1; its own error is 8.3e-8.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Of<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct
    {
        V f = W.Fraction(x);
        V p = W.Fma(W.Set(0.00186713005f), f, W.Set(0.00901703071f));
        p = W.Fma(p, f, W.Set(0.0557999127f));
        p = W.Fma(p, f, W.Set(0.240164444f));
        p = W.Fma(p, f, W.Set(0.693151295f));
        p = W.Fma(p, f, W.Set(1));
        return W.Scale(p, x);
    }

    /// <summary>
    /// factor tanh(x), odd, NaN for NaN: the rational approximation x P(x^2) / Q(x^2) of degree 9 over 8 that is best for the relative
    /// error on [-7.9, 7.9], 6e-9; past 7.9, where 1 - tanh(x) is below 2.8e-7, its value there.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<W, V>(V x, V factor)
        where W : struct, IWidth<V>
        where V : struct
    {
        x = W.Max(W.Set(-7.9f), W.Min(W.Set(7.9f), x));
        V y = W.Multiply(x, x);
        V p = W.Fma(W.Multiply(factor, W.Set(1.5428330390857077e-08f)), y, W.Multiply(factor, W.Set(2.2023493578194144e-05f)));
        p = W.Fma(p, y, W.Multiply(factor, W.Set(0.003579006859976134f)));
        p = W.Fma(p, y, W.Multiply(factor, W.Set(0.13450633010859914f)));
        p = W.Fma(p, y, W.Multiply(factor, W.Set(0.9999999943599802f)));
        V q = W.Fma(W.Set(8.598923319322689e-07f), y, W.Set(3.423674971779572e-04f));
        q = W.Fma(q, y, W.Set(0.02619229420358259f));
        q = W.Fma(q, y, W.Set(0.4678396101541527f));
        q = W.Fma(q, y, W.Set(1));
        return W.Multiply(W.Multiply(x, p), W.Reciprocal(q));
    }
}
