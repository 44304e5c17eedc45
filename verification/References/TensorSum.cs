namespace AttnKernels.Verification;

/// <summary>
/// How the tensor cores of the A100 add: products are exact; of a block's terms, the sum so far among them, only the 25 bits from the
/// largest term's first on are kept; their sum is exact and cut off to a float. The H100 keeps one bit more and takes twice the terms at
/// once (Fasi et al. 2021, Numerical Behavior of NVIDIA Tensor Cores; Khattak and Mikaitis 2025, Accurate Models of NVIDIA Tensor Cores).
/// </summary>
internal static class TensorSum
{
    /// <summary>Products of 16-bit factors that are added at once.</summary>
    public const int Terms = 8;

    private const int Bits = 25;

    /// <summary>c + sum a b.</summary>
    public static float Add(float c, ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Span<double> terms = stackalloc double[a.Length + 1];
        double largest = Math.Abs(c);
        terms[a.Length] = c;
        for (int k = 0; k < a.Length; k++)
        {
            terms[k] = (double)a[k] * b[k];
            largest = Math.Max(largest, Math.Abs(terms[k])); // NaN if one is
        }
        if (largest == 0) return c + 0f;
        if (!double.IsFinite(largest)) return Unbounded(terms);
        double unit = Unit(largest);
        double perUnit = 1 / unit;
        double sum = 0; // of 9 terms of 25 bits: exact
        foreach (double term in terms) sum += Math.Truncate(term * perUnit);
        return Truncate(sum * unit);
    }

    /// <summary>Infinities add up to one or to NaN.</summary>
    private static float Unbounded(ReadOnlySpan<double> terms)
    {
        double sum = 0;
        foreach (double term in terms) sum += term;
        return double.IsNaN(sum) ? BitConverter.UInt32BitsToSingle(0x7FFF_FFFF) : (float)sum;
    }

    /// <summary>The last of these bits of <paramref name="value"/>, not below the smallest float.</summary>
    private static double Unit(double value)
    {
        const int fraction = 52, bias = 1023;
        int exponent = (int)(BitConverter.DoubleToInt64Bits(value) >> fraction) - bias;
        return BitConverter.Int64BitsToDouble((long)(Math.Max(exponent - (Bits - 1), -149) + bias) << fraction);
    }

    private static float Truncate(double sum)
    {
        float nearest = (float)sum;
        if (float.IsInfinity(nearest)) return nearest;
        if (Math.Abs((double)nearest) <= Math.Abs(sum)) return nearest;
        return nearest > 0 ? MathF.BitDecrement(nearest) : MathF.BitIncrement(nearest);
    }
}
