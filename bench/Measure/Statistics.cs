namespace AttnKernels.Bench.Measure;

/// <summary>The middle of a set of times and its spread, in milliseconds.</summary>
public readonly record struct Statistics(double Median, double P20, double P80, int Count)
{
    /// <summary>Of at least one sample; percentiles interpolate linearly between the closest ranks.</summary>
    public static Statistics Of(IEnumerable<double> samples)
    {
        double[] sorted = [.. samples];
        if (sorted.Length == 0) throw new ArgumentException("no samples", nameof(samples));
        Array.Sort(sorted);
        return new Statistics(Percentile(sorted, 0.5), Percentile(sorted, 0.2), Percentile(sorted, 0.8), sorted.Length);
    }

    private static double Percentile(double[] sorted, double fraction)
    {
        double rank = fraction * (sorted.Length - 1);
        int low = (int)rank;
        int high = Math.Min(low + 1, sorted.Length - 1);
        return sorted[low] + (rank - low) * (sorted[high] - sorted[low]);
    }
}
