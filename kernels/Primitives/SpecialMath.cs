using ILGPU;
using ILGPU.Algorithms;
using ILGPU.IR.Intrinsics;

namespace AttnKernels.Kernels;

/// <summary>Functions and constants of base-2 softmax.</summary>
public static class SpecialMath
{
    /// <summary>log2(e): a score times this, raised as a power of two, is exp(score).</summary>
    public const float Log2E = 1.44269504088896341f;

    /// <summary>ln(2): turns a base-2 logarithm into a natural one.</summary>
    public const float Ln2 = 0.693147180559945309f;

    public static float Exp2(float x) => XMath.Exp2(x);

    public static float Log2(float x) => XMath.Log2(x);

    /// <summary>
    /// 1 / x to 1 ulp for normal results; 0 for infinity. rcp.approx.ftz.f32 on CUDA, where a division takes ten instructions and a call.
    /// </summary>
    [IntrinsicImplementation]
    public static float Reciprocal(float x) => Divide(x);

    /// <summary>The same with a division, as other devices compute it.</summary>
    public static float Divide(float x) => 1f / x;

    /// <summary>
    /// tanh to about 2 ulp of 1. The hardware's approximation is off by 2^-11, which a softcap of 50 turns into 0.02 of a score.
    /// Near 0, where 1 - 2 / (e^2|x| + 1) cancels, the odd Taylor series is exact to fp32.
    /// </summary>
    public static float Tanh(float x)
    {
        float x2 = x * x;
        float series = x * (1f + x2 * (-1f / 3f + x2 * (2f / 15f + x2 * (-17f / 315f))));
        float magnitude = XMath.Abs(x);
        float quotient = 1f - 2f * Reciprocal(Exp2(2f * Log2E * magnitude) + 1f);
        return magnitude < 0.15f ? series : x < 0f ? -quotient : quotient;
    }

    /// <summary>
    /// The larger one. Of a number and a NaN it is the number on GPUs (PTX's max.f32, OpenCL's fmax) and on the simulator, and the NaN on
    /// ILGPU's CPU accelerator, so kernels rely on neither: a row's NaN lives on in its sum of exponentials, which no maximum can pass
    /// over.
    /// </summary>
    public static float Max(float first, float second) => IntrinsicMath.Max(first, second);

    /// <summary>
    /// The finite number to subtract from the scores of a row whose maximum is <paramref name="max"/>: 0 while the row has seen no key.
    /// </summary>
    public static float FiniteMax(float max) => max == float.NegativeInfinity ? 0f : max;
}
