using System.Runtime.CompilerServices;

namespace AttnKernels;

/// <summary>Checks shared by the problems. All messages name the property.</summary>
internal static class ProblemCheck
{
    public static void Positive(int value, [CallerArgumentExpression(nameof(value))] string name = "") =>
        InRange(value, 1, int.MaxValue, name);

    public static void InRange(int value, int min, int max, string name)
    {
        if (value < min || value > max)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be between {min} and {max}, is {value}.");
    }

    public static void Float(DType type, [CallerArgumentExpression(nameof(type))] string name = "")
    {
        if (!type.IsFloat())
            throw new ArgumentException($"{name} must be Float32, Float16 or BFloat16, is {type}.", name);
    }

    /// <summary>What Explain adds where fp32 arithmetic takes the place of another precision that was asked for.</summary>
    public static string InsteadOf(InputPrecision precision) =>
        precision == InputPrecision.Ieee ? "" : $"; products in fp32, which are at least as exact as {precision}";

    /// <summary>Refuses a tensor whose size in bytes does not fit in 63 bits.</summary>
    public static void Addressable(string name, DType type, params ReadOnlySpan<int> shape)
    {
        if (Sizes.TryBytes(type, shape, out _)) return;
        throw new ArgumentException($"{name} of shape {Sizes.Format(shape)} {type} has more than 2^63 bytes.", name);
    }
}
