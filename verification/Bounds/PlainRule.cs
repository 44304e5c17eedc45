namespace AttnKernels.Verification;

/// <summary>
/// The second acceptance rule (Dao et al., tests of FlashAttention): the largest error of a result is at most twice that of a plain
/// computation in the same precision, plus the rounding of the result itself. It sees what worst-case bounds are too wide for: a loss of
/// accuracy that is systematic but small.
/// </summary>
public static class PlainRule
{
    /// <summary>Below this many elements the largest of two samples of rounding errors says too little.</summary>
    private const int LeastElements = 1000;

    /// <summary>
    /// Largest error of <paramref name="got"/> over what the rule allows: above 1 the rule is broken. 0 where there are too few elements.
    /// </summary>
    /// <param name="expected">The rows that are checked.</param>
    /// <param name="got">The whole result.</param>
    /// <param name="plain">The plain computation of the rows of <paramref name="expected"/>.</param>
    public static double Ratio(Expected expected, ReadOnlySpan<float> got, HostTensor plain)
    {
        if (plain.Values.Length < LeastElements) return 0;
        double error = 0, plainError = 0, largest = 0;
        for (int n = 0; n < plain.Values.Length; n++)
        {
            double value = expected.Values[n];
            if (!double.IsFinite(value)) continue;
            error = Math.Max(error, Math.Abs(got[(int)expected.OffsetOf(n)] - value));
            plainError = Math.Max(plainError, Math.Abs(plain.Values[n] - value));
            largest = Math.Max(largest, Math.Abs(value));
        }
        return error == 0 ? 0 : error / ((2 * plainError) + (2 * Rounding.Unit(plain.Type) * largest));
    }
}
