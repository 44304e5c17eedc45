using ILGPU.Algorithms;
using static AttnKernels.ActivationConstants;

namespace AttnKernels.Kernels;

/// <summary>What happens to an element of a product before it is stored.</summary>
public interface IActivation
{
    static abstract bool IsPresent { get; }

    /// <param name="x">Four elements.</param>
    /// <param name="activation">Which <see cref="Activation"/>, where that is chosen at run time.</param>
    static abstract F4 Apply(F4 x, int activation);
}

/// <summary>None: the code of plain products.</summary>
public readonly struct NoActivation : IActivation
{
    public static bool IsPresent => false;

    public static F4 Apply(F4 x, int activation) => x;
}

/// <summary>
/// Any of them, chosen at run time: once an element of C, where a branch that all lanes take together costs next to nothing.
/// </summary>
public readonly struct AnyActivation : IActivation
{
    public static bool IsPresent => true;

    public static F4 Apply(F4 x, int activation)
    {
        if (activation == (int)Activation.Relu) return new F4(Relu(x.X), Relu(x.Y), Relu(x.Z), Relu(x.W));
        if (activation == (int)Activation.Gelu) return new F4(Gelu(x.X), Gelu(x.Y), Gelu(x.Z), Gelu(x.W));
        if (activation == (int)Activation.GeluTanh) return new F4(GeluTanh(x.X), GeluTanh(x.Y), GeluTanh(x.Z), GeluTanh(x.W));
        if (activation == (int)Activation.Silu) return new F4(Silu(x.X), Silu(x.Y), Silu(x.Z), Silu(x.W));
        return x;
    }

    /// <summary>NaN is not less than 0.</summary>
    private static float Relu(float x) => x < 0f ? 0f : x;

    private static float Gelu(float x) => x * Phi(x);

    private static float GeluTanh(float x) => x * Logistic(x * (TanhScale + TanhCubic * x * x));

    private static float Silu(float x) => x * Logistic(x);

    /// <summary>1 / (1 + exp(-y)), by exp(-|y|), which does not overflow.</summary>
    private static float Logistic(float y)
    {
        float e = SpecialMath.Exp2(-SpecialMath.Log2E * XMath.Abs(y));
        return (y < 0f ? e : 1f) / (1f + e);
    }

    /// <summary>The normal distribution's function, where neither tail cancels.</summary>
    private static float Phi(float x)
    {
        float a = XMath.Abs(x);
        float t = 1f / (1f + T * a);
        float p = C1 + t * (C2 + t * (C3 + t * (C4 + t * (C5 + t * C6))));
        float tail = 0.5f * p * t * SpecialMath.Exp2(-0.5f * SpecialMath.Log2E * a * a);
        return x < 0f ? tail : 1f - tail;
    }
}
