namespace AttnKernels.Verification;

/// <summary>The activations as their definitions say, in double and in plain fp32.</summary>
public static class ActivationReference
{
    /// <summary>
    /// How much faster than x f(x) changes at most: f' is largest near sqrt(2) for GELU (1.1289 and 1.1290), near 2.4 for SiLU (1.0998).
    /// </summary>
    public static double Slope(Activation activation) => activation is Activation.None or Activation.Relu ? 1 : 1.13;

    /// <summary>f(x) in double.</summary>
    public static double Apply(Activation activation, double x) => activation switch
    {
        Activation.Relu => double.IsNaN(x) ? x : Math.Max(x, 0),
        Activation.Gelu => 0.5 * x * (1 + Erf(x / Math.Sqrt(2))),
        Activation.GeluTanh => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x)))),
        Activation.Silu => x / (1 + Math.Exp(-x)),
        _ => x,
    };

    /// <summary>f(x) in fp32, written down as the formulas are.</summary>
    public static float Plain(Activation activation, float x) => activation switch
    {
        Activation.Relu => float.IsNaN(x) ? x : Math.Max(x, 0),
        Activation.Gelu => 0.5f * x * (1 + (float)Erf(x / MathF.Sqrt(2))),
        Activation.GeluTanh => 0.5f * x * (1 + MathF.Tanh(MathF.Sqrt(2 / MathF.PI) * (x + (0.044715f * x * x * x)))),
        Activation.Silu => x / (1 + MathF.Exp(-x)),
        _ => x,
    };

    /// <summary>
    /// erf(z) = 2 / sqrt(pi) exp(-z^2) sum 2^n z^(2n+1) / (1 3 .. (2n+1)), whose terms have one sign (Abramowitz and Stegun 7.1.6). Beyond
    /// 6 it is 1 in double.
    /// </summary>
    public static double Erf(double z)
    {
        if (!(Math.Abs(z) < 6)) return double.IsNaN(z) ? z : Math.Sign(z);
        double term = z, sum = z;
        for (int n = 1; Math.Abs(term) > 1e-17 * Math.Abs(sum); n++)
        {
            term *= 2 * z * z / ((2 * n) + 1);
            sum += term;
        }
        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-z * z) * sum;
    }
}
