namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>
/// Instructions whose result is only near: off by a part of what the PTX ISA allows, which a hash of the argument chooses, so that no case
/// passes because this machine computes better than a GPU. Subnormal arguments and results are 0 where the instruction says .ftz.
/// </summary>
internal static class Approximations
{
    private const float SmallestNormal = 1.17549435e-38f; // 2^-126

    /// <summary>A number between -1 and 1, always the same for an argument.</summary>
    public static double Part(float argument)
    {
        uint hash = BitConverter.SingleToUInt32Bits(argument) * 2654435761u;
        hash = (hash ^ hash >> 15) * 2246822519u;
        return (int)(hash ^ hash >> 13) / (double)int.MaxValue;
    }

    /// <summary><paramref name="exact"/>, off by at most so many units in its last place.</summary>
    public static float Near(double exact, double units, float argument)
    {
        float nearest = Flush((float)exact);
        return nearest == 0 || !float.IsFinite(nearest)
            ? nearest
            : Flush((float)(exact + Part(argument) * units * Math.ScaleB(1, Math.ILogB(exact) - 23)));
    }

    public static float Flush(float value) => MathF.Abs(value) < SmallestNormal ? MathF.CopySign(0, value) : value;
}

/// <summary>ex2.approx.ftz.f32: two units in the last place; exact at 0.</summary>
internal readonly struct PowerOfTwo : IUnary<float, float>
{
    public static float Apply(float a) => a == 0 ? 1 : Approximations.Near(Math.Pow(2, a), 1.5, a);
}

/// <summary>lg2.approx.f32: 2^-22, absolute between 1/2 and 2, relative outside; exact at 1.</summary>
internal readonly struct Logarithm : IUnary<float, float>
{
    public static float Apply(float a)
    {
        double exact = Math.Log2(a);
        if (a == 1 || !double.IsFinite(exact)) return (float)exact;
        return (float)(exact + Approximations.Part(a) * Math.ScaleB(1, -22) * (a is > 0.5f and < 2 ? 1 : exact));
    }
}

/// <summary>rcp.approx.ftz.f32: one unit in the last place.</summary>
internal readonly struct NearReciprocal : IUnary<float, float>
{
    public static float Apply(float a) => Approximations.Near(1.0 / Approximations.Flush(a), 0.5, a);
}
