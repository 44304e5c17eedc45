using System.Runtime.CompilerServices;

namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>A function of one value.</summary>
internal interface IUnary<T, TResult>
{
    static abstract TResult Apply(T a);
}

/// <summary>A function of two values.</summary>
internal interface IBinary<T, TResult>
{
    static abstract TResult Apply(T a, T b);
}

/// <summary>Registers as values of a type: the lower bits. What is above them is the sign where the type has one, else 0.</summary>
internal static class Bits
{
    public static T To<T>(ref ulong register) => Unsafe.As<ulong, T>(ref register);

    public static ulong Of<T>(T value)
    {
        if (typeof(T) == typeof(sbyte)) return (ulong)(sbyte)(object)value!;
        if (typeof(T) == typeof(short)) return (ulong)(short)(object)value!;
        ulong register = 0;
        Unsafe.As<ulong, T>(ref register) = value;
        return register;
    }
}

/// <summary>d = f(a), lane by lane.</summary>
internal sealed class Unary<TFunction, T, TResult>(int d, int a) : Operation
    where TFunction : struct, IUnary<T, TResult>
{
    public override void Execute(Warp warp, uint lanes)
    {
        ref ulong to = ref warp.Register(d);
        ref ulong from = ref warp.Register(a);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (Has(lanes, lane)) Unsafe.Add(ref to, lane) = Bits.Of(TFunction.Apply(Bits.To<T>(ref Unsafe.Add(ref from, lane))));
        }
    }
}

/// <summary>d = f(a, b), lane by lane.</summary>
internal sealed class Binary<TFunction, T, TResult>(int d, int a, int b) : Operation
    where TFunction : struct, IBinary<T, TResult>
{
    public override void Execute(Warp warp, uint lanes)
    {
        ref ulong to = ref warp.Register(d);
        ref ulong left = ref warp.Register(a);
        ref ulong right = ref warp.Register(b);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (!Has(lanes, lane)) continue;
            Unsafe.Add(ref to, lane) = Bits.Of(
                TFunction.Apply(Bits.To<T>(ref Unsafe.Add(ref left, lane)), Bits.To<T>(ref Unsafe.Add(ref right, lane))));
        }
    }
}

/// <summary>mad.lo: d = a b + c.</summary>
internal sealed class MultiplyAdd(int d, int a, int b, int c) : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        Span<ulong> to = warp.Values(d), left = warp.Values(a), right = warp.Values(b), add = warp.Values(c);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (Has(lanes, lane)) to[lane] = left[lane] * right[lane] + add[lane];
        }
    }
}

/// <summary>selp: d = p ? a : b.</summary>
internal sealed class Select(int d, int a, int b, int p) : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        Span<ulong> to = warp.Values(d), yes = warp.Values(a), no = warp.Values(b), which = warp.Values(p);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            if (Has(lanes, lane)) to[lane] = (which[lane] & 1) != 0 ? yes[lane] : no[lane];
        }
    }
}
