using System.Runtime.CompilerServices;
using static AttnKernels.ActivationConstants;

namespace AttnKernels.Simd;

/// <summary>What happens to an element of C before it is stored.</summary>
internal interface IActivation
{
    static abstract V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct;
}

/// <summary><see cref="Activation.None"/>.</summary>
internal readonly struct NoActivation : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct => x;
}

/// <summary><see cref="Activation.Relu"/>; NaN is not less than 0.</summary>
internal readonly struct Relu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct => W.Select(W.Less(x, W.Zero), W.Zero, x);
}

/// <summary><see cref="Activation.Gelu"/>: x Phi(x), where neither tail of Phi cancels.</summary>
internal readonly struct Gelu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct
    {
        V one = W.Set(1), a = Logistic.Magnitude<W, V>(x);
        V t = W.Divide(one, W.Fma(W.Set(T), a, one));
        V p = W.Fma(W.Set(C6), t, W.Set(C5));
        p = W.Fma(p, t, W.Set(C4));
        p = W.Fma(p, t, W.Set(C3));
        p = W.Fma(p, t, W.Set(C2));
        p = W.Fma(p, t, W.Set(C1));
        V power = Exp2.Of<W, V>(W.Multiply(W.Multiply(a, a), W.Set(-0.5f * Log2E)));
        V tail = W.Multiply(W.Multiply(W.Multiply(p, t), W.Set(0.5f)), power);
        return W.Multiply(x, W.Select(W.Less(x, W.Zero), tail, W.Subtract(one, tail)));
    }
}

/// <summary><see cref="Activation.GeluTanh"/>: x / (1 + exp(-y)).</summary>
internal readonly struct GeluTanh : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct =>
        Logistic.Times<W, V>(x, W.Multiply(x, W.Fma(W.Set(TanhCubic), W.Multiply(x, x), W.Set(TanhScale))));
}

/// <summary><see cref="Activation.Silu"/>.</summary>
internal readonly struct Silu : IActivation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Apply<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct => Logistic.Times<W, V>(x, x);
}

/// <summary>The logistic function.</summary>
internal static class Logistic
{
    /// <summary>x / (1 + exp(-y)), by exp(-|y|), which does not overflow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Times<W, V>(V x, V y)
        where W : struct, IWidth<V>
        where V : struct
    {
        V one = W.Set(1);
        V e = Exp2.Of<W, V>(W.Multiply(Magnitude<W, V>(y), W.Set(-Log2E)));
        V share = W.Select(W.Less(y, W.Zero), e, one);
        return W.Multiply(x, W.Divide(share, W.Add(one, e)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static V Magnitude<W, V>(V x)
        where W : struct, IWidth<V>
        where V : struct => W.And(x, W.SetBits(0x7FFFFFFF));
}
