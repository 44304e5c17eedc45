namespace AttnKernels;

/// <summary>Counts the visible (query, key) pairs of a <see cref="KeyBand"/> in closed form.</summary>
internal static class BandArea
{
    /// <summary>
    /// sum over queries i of max(0, End(i) - First(i)). As End and First are both clamp(i + c, 0, keys), the sum is a difference of two
    /// sums of clamps.
    /// </summary>
    public static double Pairs(KeyBand band, int queries, int keys)
    {
        int shift = band.ShiftFor(queries, keys);
        double end = band.Right >= KeyBand.Unlimited
            ? (double)queries * keys
            : ClampSum((double)shift + band.Right + 1, queries, keys);
        double first = band.Left >= KeyBand.Unlimited ? 0 : ClampSum((double)shift - band.Left, queries, keys);
        return Math.Max(0, end - first);
    }

    /// <summary>sum over i in [0, n) of clamp(i + c, 0, limit)</summary>
    private static double ClampSum(double c, double n, double limit) => ClampSumBelow(c + n, limit) - ClampSumBelow(c, limit);

    /// <summary>sum over integers t &lt; x of clamp(t, 0, limit)</summary>
    private static double ClampSumBelow(double x, double limit)
    {
        if (x <= 0) return 0;
        return x <= limit + 1 ? x * (x - 1) / 2 : (limit * (limit + 1) / 2) + ((x - 1 - limit) * limit);
    }
}
