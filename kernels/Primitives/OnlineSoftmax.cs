namespace AttnKernels.Kernels;

/// <summary>
/// Maximum m and sum l = sum exp(s - m) of the scores seen so far, where exp(x) is exp2(factor * x). No score seen: m = -inf, l = 0;
/// FiniteMax keeps -inf - -inf, a NaN, out of every exponent.
/// </summary>
public struct OnlineSoftmax
{
    public float M, L;

    public static OnlineSoftmax Empty => new() { M = float.NegativeInfinity, L = 0f };

    /// <summary>Natural log-sum-exp; minus infinity where nothing was seen.</summary>
    public readonly float Lse(float factor) => L == 0f ? float.NegativeInfinity : (M * factor + SpecialMath.Log2(L)) * SpecialMath.Ln2;

    public void Add(F4 s, float factor)
    {
        float max = SpecialMath.Max(SpecialMath.Max(SpecialMath.Max(s.X, s.Y), SpecialMath.Max(s.Z, s.W)), M);
        float finite = SpecialMath.FiniteMax(max);
        float sum = (SpecialMath.Exp2((s.X - finite) * factor) + SpecialMath.Exp2((s.Y - finite) * factor))
            + (SpecialMath.Exp2((s.Z - finite) * factor) + SpecialMath.Exp2((s.W - finite) * factor));
        L = L * SpecialMath.Exp2((M - finite) * factor) + sum;
        M = max;
    }

    public void Merge(float m, float l, float factor)
    {
        float max = SpecialMath.Max(M, m);
        float finite = SpecialMath.FiniteMax(max);
        L = L * SpecialMath.Exp2((M - finite) * factor) + l * SpecialMath.Exp2((m - finite) * factor);
        M = max;
    }
}
