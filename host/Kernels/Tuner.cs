namespace AttnKernels.Kernels;

/// <summary>What the tuners share: rounds of runs, and the choice among their medians.</summary>
internal static class Tuner
{
    /// <summary>Another choice than the estimate's must be faster by this share: less is noise.</summary>
    private const double Gain = 0.03;

    /// <summary>
    /// Median milliseconds of each candidate: all run in turn, <paramref name="rounds"/> times, so that what disturbs the device meets
    /// each of them.
    /// </summary>
    public static double[] Medians<TProblem, TPlan>(
        AttentionDevice device, IReadOnlyList<TProblem> candidates, Func<TProblem, TPlan> make, Action<TPlan> run, int rounds)
        where TPlan : IDisposable
    {
        List<double>[] times = [.. candidates.Select(_ => new List<double>())];
        using StreamTimer timer = device.DefaultStream.Backend.CreateTimer();
        List<TPlan> plans = [];
        try
        {
            foreach (TProblem candidate in candidates) plans.Add(make(candidate));
            for (int round = -1; round < rounds; round++) // the first warms up
            {
                for (int i = 0; i < plans.Count; i++)
                {
                    timer.Start();
                    run(plans[i]);
                    timer.Stop();
                    double milliseconds = timer.Milliseconds();
                    if (round >= 0) times[i].Add(milliseconds);
                }
            }
        }
        finally
        {
            foreach (TPlan plan in plans) plan.Dispose();
        }
        return [.. times.Select(Median)];
    }

    /// <summary>The fastest, or the estimate where that is as fast.</summary>
    /// <param name="problem">A <see cref="TuningClass"/>.</param>
    /// <param name="candidates">What was measured.</param>
    /// <param name="estimate">Which of them a plan would take by itself; -1 = none.</param>
    /// <param name="medians">Of each candidate.</param>
    public static TunedProblem Result(
        string problem, IReadOnlyList<(string Tile, int Parts)> candidates, int estimate, IReadOnlyList<double> medians)
    {
        int best = 0;
        for (int i = 1; i < medians.Count; i++)
            if (medians[i] < medians[best]) best = i;
        if (estimate >= 0 && medians[estimate] <= medians[best] * (1 + Gain)) best = estimate;
        return new TunedProblem
        {
            Problem = problem,
            Tile = candidates[best].Tile,
            Parts = candidates[best].Parts,
            Milliseconds = candidates.Zip(medians).ToDictionary(pair => Label(pair.First.Tile, pair.First.Parts), pair => pair.Second),
        };
    }

    /// <summary>"128x256", "64x64 in 4 parts".</summary>
    public static string Label(string? tile, int parts) => $"{tile}{(parts > 1 ? $" in {parts} parts" : "")}";

    /// <summary>Small numbers of either sign: zeros would draw less power, and so be multiplied faster.</summary>
    public static DeviceTensor Filled(AttentionDevice device, DType type, params ReadOnlySpan<int> shape)
    {
        double count = 1;
        foreach (int length in shape) count *= length;
        if (count > Array.MaxLength) throw new ArgumentException($"A tensor of {count:0} elements is too large to be measured with.");
        float[] values = new float[(int)count];
        Random random = new(1);
        for (int i = 0; i < values.Length; i++) values[i] = (2 * random.NextSingle()) - 1;
        return device.UploadAs(type, values, shape);
    }

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }
}
