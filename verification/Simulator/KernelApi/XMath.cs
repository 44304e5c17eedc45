namespace ILGPU.Algorithms;

/// <summary>Mathematics of kernels, here by the functions of .NET: correctly rounded or close to it, where a GPU approximates.</summary>
public static class XMath
{
    /// <summary>e.</summary>
    public const float E = 2.71828182f;

    /// <summary>log2(e).</summary>
    public const float Log2E = 1.44269504f;

    /// <summary>1 / log2(e).</summary>
    public const float OneOverLog2E = 1.0f / Log2E;

    /// <summary>ln(2).</summary>
    public const float Ln2 = 0.69314718f;

    /// <summary>1 / ln(2).</summary>
    public const float OneOverLn2 = 1.0f / Ln2;

    /// <summary>Pi.</summary>
    public const float PI = 3.14159265f;

    /// <summary>|x|.</summary>
    public static float Abs(float value) => MathF.Abs(value);

    /// <inheritdoc cref="Abs(float)"/>
    public static double Abs(double value) => Math.Abs(value);

    /// <inheritdoc cref="Abs(float)"/>
    public static int Abs(int value) => Math.Abs(value);

    /// <inheritdoc cref="Abs(float)"/>
    public static long Abs(long value) => Math.Abs(value);

    /// <summary>The larger one; of a number and a NaN the number, as PTX's max.f32 and OpenCL's fmax have it.</summary>
    public static float Max(float first, float second) => float.MaxNumber(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static double Max(double first, double second) => double.MaxNumber(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static int Max(int first, int second) => Math.Max(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static uint Max(uint first, uint second) => Math.Max(first, second);

    /// <inheritdoc cref="Max(float, float)"/>
    public static long Max(long first, long second) => Math.Max(first, second);

    /// <summary>The smaller one; of a number and a NaN the number.</summary>
    public static float Min(float first, float second) => float.MinNumber(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static double Min(double first, double second) => double.MinNumber(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static int Min(int first, int second) => Math.Min(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static uint Min(uint first, uint second) => Math.Min(first, second);

    /// <inheritdoc cref="Min(float, float)"/>
    public static long Min(long first, long second) => Math.Min(first, second);

    /// <summary>The value, moved into [min, max].</summary>
    public static float Clamp(float value, float min, float max) => Max(Min(value, max), min);

    /// <inheritdoc cref="Clamp(float, float, float)"/>
    public static int Clamp(int value, int min, int max) => Max(Min(value, max), min);

    /// <inheritdoc cref="Clamp(float, float, float)"/>
    public static long Clamp(long value, long min, long max) => Max(Min(value, max), min);

    /// <summary>e^x.</summary>
    public static float Exp(float value) => MathF.Exp(value);

    /// <inheritdoc cref="Exp(float)"/>
    public static double Exp(double value) => Math.Exp(value);

    /// <summary>2^x.</summary>
    public static float Exp2(float value) => float.Exp2(value);

    /// <inheritdoc cref="Exp2(float)"/>
    public static double Exp2(double value) => double.Exp2(value);

    /// <summary>Natural logarithm.</summary>
    public static float Log(float value) => MathF.Log(value);

    /// <inheritdoc cref="Log(float)"/>
    public static double Log(double value) => Math.Log(value);

    /// <summary>Logarithm to base 2.</summary>
    public static float Log2(float value) => MathF.Log2(value);

    /// <inheritdoc cref="Log2(float)"/>
    public static double Log2(double value) => Math.Log2(value);

    /// <summary>x^y.</summary>
    public static float Pow(float @base, float exp) => MathF.Pow(@base, exp);

    /// <inheritdoc cref="Pow(float, float)"/>
    public static double Pow(double @base, double exp) => Math.Pow(@base, exp);

    /// <summary>Square root.</summary>
    public static float Sqrt(float value) => MathF.Sqrt(value);

    /// <inheritdoc cref="Sqrt(float)"/>
    public static double Sqrt(double value) => Math.Sqrt(value);

    /// <summary>1 / sqrt(x).</summary>
    public static float Rsqrt(float value) => 1.0f / MathF.Sqrt(value);

    /// <inheritdoc cref="Rsqrt(float)"/>
    public static double Rsqrt(double value) => 1.0 / Math.Sqrt(value);

    /// <summary>1 / x.</summary>
    public static float Rcp(float value) => 1.0f / value;

    /// <inheritdoc cref="Rcp(float)"/>
    public static double Rcp(double value) => 1.0 / value;

    /// <summary>Sine.</summary>
    public static float Sin(float value) => MathF.Sin(value);

    /// <inheritdoc cref="Sin(float)"/>
    public static double Sin(double value) => Math.Sin(value);

    /// <summary>Cosine.</summary>
    public static float Cos(float value) => MathF.Cos(value);

    /// <inheritdoc cref="Cos(float)"/>
    public static double Cos(double value) => Math.Cos(value);

    /// <summary>Hyperbolic tangent.</summary>
    public static float Tanh(float value) => MathF.Tanh(value);

    /// <inheritdoc cref="Tanh(float)"/>
    public static double Tanh(double value) => Math.Tanh(value);

    /// <summary>The next integer below.</summary>
    public static float Floor(float value) => MathF.Floor(value);

    /// <summary>The next integer above.</summary>
    public static float Ceiling(float value) => MathF.Ceiling(value);

    /// <summary>True for NaN.</summary>
    public static bool IsNaN(float value) => float.IsNaN(value);

    /// <inheritdoc cref="IsNaN(float)"/>
    public static bool IsNaN(double value) => double.IsNaN(value);

    /// <summary>True for plus and minus infinity.</summary>
    public static bool IsInfinity(float value) => float.IsInfinity(value);

    /// <inheritdoc cref="IsInfinity(float)"/>
    public static bool IsInfinity(double value) => double.IsInfinity(value);

    /// <summary>True for all but NaN and the infinities.</summary>
    public static bool IsFinite(float value) => float.IsFinite(value);

    /// <inheritdoc cref="IsFinite(float)"/>
    public static bool IsFinite(double value) => double.IsFinite(value);

    /// <summary>Quotient of integers, rounded up.</summary>
    public static int DivRoundUp(int numerator, int denominator) => (numerator + denominator - 1) / denominator;

    /// <inheritdoc cref="DivRoundUp(int, int)"/>
    public static long DivRoundUp(long numerator, long denominator) => (numerator + denominator - 1) / denominator;
}
