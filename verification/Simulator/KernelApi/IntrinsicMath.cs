using System.Numerics;

namespace ILGPU;

/// <summary>Mathematics that every ILGPU back end has.</summary>
public static class IntrinsicMath
{
    /// <summary>|x|.</summary>
    public static float Abs(float value) => MathF.Abs(value);

    /// <inheritdoc cref="Abs(float)"/>
    public static int Abs(int value) => Math.Abs(value);

    /// <inheritdoc cref="Abs(float)"/>
    public static long Abs(long value) => Math.Abs(value);

    /// <summary>The larger one; of a number and a NaN the number, as PTX's max.f32 and OpenCL's fmax have it.</summary>
    public static float Max(float first, float second) => float.MaxNumber(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static int Max(int first, int second) => Math.Max(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static uint Max(uint first, uint second) => Math.Max(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static long Max(long first, long second) => Math.Max(first, second);

    /// <summary>The smaller one; of a number and a NaN the number.</summary>
    public static float Min(float first, float second) => float.MinNumber(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static int Min(int first, int second) => Math.Min(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static uint Min(uint first, uint second) => Math.Min(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static long Min(long first, long second) => Math.Min(first, second);

    /// <summary>The value, moved into [min, max].</summary>
    public static int Clamp(int value, int min, int max) => Max(Min(value, max), min);

    /// <inheritdoc cref="Clamp(int, int, int)"/>
    public static float Clamp(float value, float min, float max) => Max(Min(value, max), min);

    /// <summary>Number of set bits.</summary>
    public static int PopCount(uint value) => BitOperations.PopCount(value);

    /// <inheritdoc cref="PopCount(uint)"/>
    public static int PopCount(int value) => BitOperations.PopCount((uint)value);

    /// <summary>Number of zero bits above the highest set one.</summary>
    public static int LeadingZeroCount(uint value) => BitOperations.LeadingZeroCount(value);

    /// <inheritdoc cref="LeadingZeroCount(uint)"/>
    public static int LeadingZeroCount(int value) => BitOperations.LeadingZeroCount((uint)value);

    /// <summary>Number of zero bits below the lowest set one.</summary>
    public static int TrailingZeroCount(uint value) => BitOperations.TrailingZeroCount(value);

    /// <inheritdoc cref="TrailingZeroCount(uint)"/>
    public static int TrailingZeroCount(int value) => BitOperations.TrailingZeroCount((uint)value);

    /// <summary>Quotient of integers, rounded up.</summary>
    public static int DivRoundUp(int numerator, int denominator) => (numerator + denominator - 1) / denominator;

    /// <inheritdoc cref="DivRoundUp(int, int)"/>
    public static long DivRoundUp(long numerator, long denominator) => (numerator + denominator - 1) / denominator;
}
