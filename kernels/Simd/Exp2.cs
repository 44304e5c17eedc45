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
    /// tanh(x): the rational approximation x P(x^2) / Q(x^2) of degree 13 over 6, clamped where tanh rounds to 1. A few ulp, odd, NaN for
    /// NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct
    {
        x = W.Max(W.Set(-7.90531110763549805f), W.Min(W.Set(7.90531110763549805f), x));
        V y = W.Multiply(x, x);
        V p = W.Fma(W.Set(-2.76076847742355e-16f), y, W.Set(2.00018790482477e-13f));
        p = W.Fma(p, y, W.Set(-8.60467152213735e-11f));
        p = W.Fma(p, y, W.Set(5.12229709037114e-08f));
        p = W.Fma(p, y, W.Set(1.48572235717979e-05f));
        p = W.Fma(p, y, W.Set(6.37261928875436e-04f));
        p = W.Fma(p, y, W.Set(4.89352455891786e-03f));
        V q = W.Fma(W.Set(1.19825839466702e-06f), y, W.Set(1.18534705686654e-04f));
        q = W.Fma(q, y, W.Set(2.26843463243900e-03f));
        q = W.Fma(q, y, W.Set(4.89352518554385e-03f));
        return W.Multiply(W.Multiply(x, p), W.Reciprocal(q));
    }
}
