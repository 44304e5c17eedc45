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

    /// <summary>What <see cref="Tanh"/> wants its argument multiplied with: N and D below then begin with y^2.</summary>
    public const float TanhScale = 0.0302728452f;

    /// <summary>
    /// factor tanh(z) for x = z TanhScale and factor > 0, odd, NaN for NaN, the factor from z = 8.3 on: 2 n d / (n^2 + d^2), where n / d is
    /// tanh(z / 2), here x N(y) / D(y) of y = x^2 with quadratic N and D. Best for the relative error of the whole, 1e-7 up to z = 1.2 and
    /// twice that above; with all roundings it is below 4e-7.
    /// </summary>
    /// <remarks>
    /// The ports that multiply are what the products beside it wait for, so it multiplies as little as it can: n^2 + d^2 is
    /// (d - n)^2 + 2 n d, and a division takes two turns where an estimate and a Newton step take four (Zen 4).
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Tanh<W, V>(V x, V factor)
        where W : struct, IWidth<V>
        where V : struct
    {
        V sign = W.And(x, W.SetBits(0x80000000));
        x = W.Min(W.Set(8.3f * TanhScale), W.And(x, W.SetBits(0x7FFFFFFF)));
        V y = W.Multiply(x, x);
        V n = W.Multiply(x, W.Fma(y, W.Add(y, W.Set(0.44326508f)), W.Set(0.0149966246f)));
        V d = W.Fma(y, W.Add(y, W.Set(0.109400816f)), W.Set(0.00090798107f));
        V difference = W.Subtract(d, n);
        V product = W.Multiply(n, d);
        V squares = W.Fma(difference, difference, W.Add(product, product));
        return W.Or(sign, W.Divide(W.Multiply(product, W.Add(factor, factor)), squares));
    }
}
