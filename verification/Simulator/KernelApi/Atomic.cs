using System.Numerics;
using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>Atomic operations on elements of views. Each returns the value that was there before.</summary>
public static class Atomic
{
    /// <summary>Adds <paramref name="value"/>.</summary>
    public static int Add(ref int target, int value) => Update<int, AddOf<int>>(ref target, value);

    /// <inheritdoc cref="Add(ref int, int)"/>
    public static uint Add(ref uint target, uint value) => Update<uint, AddOf<uint>>(ref target, value);

    /// <inheritdoc cref="Add(ref int, int)"/>
    public static long Add(ref long target, long value) => Update<long, AddOf<long>>(ref target, value);

    /// <inheritdoc cref="Add(ref int, int)"/>
    public static ulong Add(ref ulong target, ulong value) => Update<ulong, AddOf<ulong>>(ref target, value);

    /// <inheritdoc cref="Add(ref int, int)"/>
    public static float Add(ref float target, float value) => Update<float, AddOf<float>>(ref target, value);

    /// <inheritdoc cref="Add(ref int, int)"/>
    public static double Add(ref double target, double value) => Update<double, AddOf<double>>(ref target, value);

    /// <summary>Keeps the larger one.</summary>
    public static int Max(ref int target, int value) => Update<int, MaxOf<int>>(ref target, value);

    /// <inheritdoc cref="Max(ref int, int)"/>
    public static uint Max(ref uint target, uint value) => Update<uint, MaxOf<uint>>(ref target, value);

    /// <inheritdoc cref="Max(ref int, int)"/>
    public static long Max(ref long target, long value) => Update<long, MaxOf<long>>(ref target, value);

    /// <inheritdoc cref="Max(ref int, int)"/>
    public static ulong Max(ref ulong target, ulong value) => Update<ulong, MaxOf<ulong>>(ref target, value);

    /// <inheritdoc cref="Max(ref int, int)"/>
    public static float Max(ref float target, float value) => Update<float, MaxOf<float>>(ref target, value);

    /// <inheritdoc cref="Max(ref int, int)"/>
    public static double Max(ref double target, double value) => Update<double, MaxOf<double>>(ref target, value);

    /// <summary>Keeps the smaller one.</summary>
    public static int Min(ref int target, int value) => Update<int, MinOf<int>>(ref target, value);

    /// <inheritdoc cref="Min(ref int, int)"/>
    public static uint Min(ref uint target, uint value) => Update<uint, MinOf<uint>>(ref target, value);

    /// <inheritdoc cref="Min(ref int, int)"/>
    public static long Min(ref long target, long value) => Update<long, MinOf<long>>(ref target, value);

    /// <inheritdoc cref="Min(ref int, int)"/>
    public static ulong Min(ref ulong target, ulong value) => Update<ulong, MinOf<ulong>>(ref target, value);

    /// <inheritdoc cref="Min(ref int, int)"/>
    public static float Min(ref float target, float value) => Update<float, MinOf<float>>(ref target, value);

    /// <inheritdoc cref="Min(ref int, int)"/>
    public static double Min(ref double target, double value) => Update<double, MinOf<double>>(ref target, value);

    /// <summary>Bitwise and.</summary>
    public static int And(ref int target, int value) => Update<int, AndOf<int>>(ref target, value);

    /// <inheritdoc cref="And(ref int, int)"/>
    public static uint And(ref uint target, uint value) => Update<uint, AndOf<uint>>(ref target, value);

    /// <inheritdoc cref="And(ref int, int)"/>
    public static long And(ref long target, long value) => Update<long, AndOf<long>>(ref target, value);

    /// <inheritdoc cref="And(ref int, int)"/>
    public static ulong And(ref ulong target, ulong value) => Update<ulong, AndOf<ulong>>(ref target, value);

    /// <summary>Bitwise or.</summary>
    public static int Or(ref int target, int value) => Update<int, OrOf<int>>(ref target, value);

    /// <inheritdoc cref="Or(ref int, int)"/>
    public static uint Or(ref uint target, uint value) => Update<uint, OrOf<uint>>(ref target, value);

    /// <inheritdoc cref="Or(ref int, int)"/>
    public static long Or(ref long target, long value) => Update<long, OrOf<long>>(ref target, value);

    /// <inheritdoc cref="Or(ref int, int)"/>
    public static ulong Or(ref ulong target, ulong value) => Update<ulong, OrOf<ulong>>(ref target, value);

    /// <summary>Bitwise exclusive or.</summary>
    public static int Xor(ref int target, int value) => Update<int, XorOf<int>>(ref target, value);

    /// <inheritdoc cref="Xor(ref int, int)"/>
    public static uint Xor(ref uint target, uint value) => Update<uint, XorOf<uint>>(ref target, value);

    /// <inheritdoc cref="Xor(ref int, int)"/>
    public static long Xor(ref long target, long value) => Update<long, XorOf<long>>(ref target, value);

    /// <inheritdoc cref="Xor(ref int, int)"/>
    public static ulong Xor(ref ulong target, ulong value) => Update<ulong, XorOf<ulong>>(ref target, value);

    /// <summary>Replaces the value.</summary>
    public static int Exchange(ref int target, int value) => Update<int, ExchangeOf<int>>(ref target, value);

    /// <inheritdoc cref="Exchange(ref int, int)"/>
    public static uint Exchange(ref uint target, uint value) => Update<uint, ExchangeOf<uint>>(ref target, value);

    /// <inheritdoc cref="Exchange(ref int, int)"/>
    public static long Exchange(ref long target, long value) => Update<long, ExchangeOf<long>>(ref target, value);

    /// <inheritdoc cref="Exchange(ref int, int)"/>
    public static ulong Exchange(ref ulong target, ulong value) => Update<ulong, ExchangeOf<ulong>>(ref target, value);

    /// <inheritdoc cref="Exchange(ref int, int)"/>
    public static float Exchange(ref float target, float value) => Update<float, ExchangeOf<float>>(ref target, value);

    /// <inheritdoc cref="Exchange(ref int, int)"/>
    public static double Exchange(ref double target, double value) => Update<double, ExchangeOf<double>>(ref target, value);

    /// <summary>Writes <paramref name="value"/> if <paramref name="compare"/> is there.</summary>
    public static int CompareExchange(ref int target, int compare, int value) => Replace(ref target, compare, value);

    /// <inheritdoc cref="CompareExchange(ref int, int, int)"/>
    public static uint CompareExchange(ref uint target, uint compare, uint value) => Replace(ref target, compare, value);

    /// <inheritdoc cref="CompareExchange(ref int, int, int)"/>
    public static long CompareExchange(ref long target, long compare, long value) => Replace(ref target, compare, value);

    /// <inheritdoc cref="CompareExchange(ref int, int, int)"/>
    public static ulong CompareExchange(ref ulong target, ulong compare, ulong value) => Replace(ref target, compare, value);

    /// <inheritdoc cref="CompareExchange(ref int, int, int)"/>
    public static float CompareExchange(ref float target, float compare, float value) => Replace(ref target, compare, value);

    /// <inheritdoc cref="CompareExchange(ref int, int, int)"/>
    public static double CompareExchange(ref double target, double compare, double value) => Replace(ref target, compare, value);

    private interface IOperation<T>
    {
        /// <summary>True if the result does not depend on what was there.</summary>
        static virtual bool IsBlind => false;

        static abstract T Apply(T current, T value);
    }

    private static T Update<T, TOperation>(ref T target, T value)
        where T : unmanaged
        where TOperation : struct, IOperation<T>
    {
        AtomicMark.Set(ref target, blind: TOperation.IsBlind);
        T current;
        do
            current = target;
        while (!TryWrite(ref target, current, TOperation.Apply(current, value)));
        return current;
    }

    private static T Replace<T>(ref T target, T compare, T value)
        where T : unmanaged
    {
        AtomicMark.Set(ref target, blind: false);
        return Swap(ref target, compare, value);
    }

    private static bool TryWrite<T>(ref T target, T expected, T value)
        where T : unmanaged =>
        SameBits(Swap(ref target, expected, value), expected);

    // Compares bits, as the hardware does: a NaN equals itself.
    private static bool SameBits<T>(T first, T second)
        where T : unmanaged =>
        Unsafe.SizeOf<T>() == sizeof(int)
            ? Unsafe.BitCast<T, int>(first) == Unsafe.BitCast<T, int>(second)
            : Unsafe.BitCast<T, long>(first) == Unsafe.BitCast<T, long>(second);

    private static T Swap<T>(ref T target, T expected, T value)
        where T : unmanaged
    {
        if (Unsafe.SizeOf<T>() == sizeof(int))
        {
            return Unsafe.BitCast<int, T>(Interlocked.CompareExchange(
                ref Unsafe.As<T, int>(ref target), Unsafe.BitCast<T, int>(value), Unsafe.BitCast<T, int>(expected)));
        }
        return Unsafe.BitCast<long, T>(Interlocked.CompareExchange(
            ref Unsafe.As<T, long>(ref target), Unsafe.BitCast<T, long>(value), Unsafe.BitCast<T, long>(expected)));
    }

    private readonly struct AddOf<T> : IOperation<T>
        where T : INumber<T>
    {
        public static T Apply(T current, T value) => current + value;
    }

    private readonly struct MaxOf<T> : IOperation<T>
        where T : INumber<T>
    {
        public static T Apply(T current, T value) => T.Max(current, value);
    }

    private readonly struct MinOf<T> : IOperation<T>
        where T : INumber<T>
    {
        public static T Apply(T current, T value) => T.Min(current, value);
    }

    private readonly struct AndOf<T> : IOperation<T>
        where T : IBinaryInteger<T>
    {
        public static T Apply(T current, T value) => current & value;
    }

    private readonly struct OrOf<T> : IOperation<T>
        where T : IBinaryInteger<T>
    {
        public static T Apply(T current, T value) => current | value;
    }

    private readonly struct XorOf<T> : IOperation<T>
        where T : IBinaryInteger<T>
    {
        public static T Apply(T current, T value) => current ^ value;
    }

    private readonly struct ExchangeOf<T> : IOperation<T>
        where T : INumber<T>
    {
        public static bool IsBlind => true;

        public static T Apply(T current, T value) => value;
    }
}
