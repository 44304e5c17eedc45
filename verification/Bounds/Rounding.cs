namespace AttnKernels.Verification;

/// <summary>The constants that the error bounds are built from. u is the unit roundoff: half the distance from 1 to the next
/// number.</summary>
public static class Rounding
{
    /// <summary>u of fp32, in which scores, weights and sums are computed.</summary>
    public const double U = 1.0 / (1 << 24);

    /// <summary>
    /// Relative error of one exp2: 2^-22, what the PTX ISA states for ex2.approx.ftz.f32; a degree-5 polynomial or a library exp is inside.
    /// </summary>
    public const double Exp2 = 1.0 / (1 << 22);

    /// <summary>
    /// Error of tanh: 2^-21 absolute, for tanh |x| = 1 - 2 / (exp(2|x|) + 1) with an exp of relative error 2^-22, a reciprocal of 1 ulp and
    /// two roundings; a rational function of relative error 4e-7 is inside. The hardware's tanh.approx (2^-11) is outside.
    /// </summary>
    public const double Tanh = 1.0 / (1 << 21);

    /// <summary>Error of the natural logarithm, relative to 1 + |log|: lg2.approx.ftz.f32 has 2^-22, times the conversion to base
    /// e.</summary>
    public const double Log = 1.0 / (1 << 21);

    /// <summary>What flushing subnormal fp32 numbers to zero can cost, absolute.</summary>
    public static readonly double Flush = Math.ScaleB(1, -126);

    /// <summary>u of a storage type: 2^-24, 2^-11, 2^-8.</summary>
    public static double Unit(DType type) => type switch
    {
        DType.Float16 => Math.ScaleB(1, -11),
        DType.BFloat16 => Math.ScaleB(1, -8),
        _ => U,
    };

    /// <summary>Absolute rounding error below the normal range of a storage type: half the spacing of fp16's subnormals, or a
    /// flush.</summary>
    public static double Tiny(DType type) => type == DType.Float16 ? Math.ScaleB(1, -25) : Flush;

    /// <summary>
    /// u of one accumulation step: fp32 rounds to nearest; tensor cores, which take fp16, bf16 and TF32 operands, truncate, which doubles
    /// it. In three parts of TF32 only short sums are truncated, which <see cref="Terms"/> counts.
    /// </summary>
    public static double Step(DType operands, InputPrecision precision = InputPrecision.Ieee) =>
        operands == DType.Float32 && precision != InputPrecision.Tf32 ? U : 2 * U;

    /// <summary>
    /// How many roundings a sum of <paramref name="n"/> products may have in that precision. As TF32 in three parts: 8 for the parts, 18
    /// for each eight products, whose sum is truncated, and one for each eight; less than 2 for the rest. Where fp32 arithmetic has more,
    /// that may run as well, and it has where a sum is long enough (64) for parts of its own, which add one for each 64.
    /// </summary>
    public static int Terms(int n, InputPrecision precision) => precision == InputPrecision.Tf32x3 ? Math.Max(n, ((n + 7) / 8) + 28) : n;

    /// <summary>
    /// What rounding both factors costs a product, relative: 2^-11 each of 11 significant bits, and their product; 0 where they are
    /// multiplied as they are.
    /// </summary>
    public static double Factors(InputPrecision precision)
    {
        double unit = Math.ScaleB(1, -11);
        return precision == InputPrecision.Tf32 ? (2 * unit) + (unit * unit) : 0;
    }

    /// <summary>gamma_n = n u / (1 - n u): relative error of a sum of n terms, in any order (Higham, Accuracy and Stability,
    /// 3.1).</summary>
    /// <remarks>Infinite from n u = 1 on, where the sum may be off by all of itself.</remarks>
    public static double Gamma(double n, double u = U) => n * u < 1 ? n * u / (1 - (n * u)) : double.PositiveInfinity;
}
