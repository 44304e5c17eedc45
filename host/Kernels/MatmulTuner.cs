namespace AttnKernels.Kernels;

/// <summary>Measures the tiles and parts of K that a product could have on a device with tensor cores.</summary>
internal static class MatmulTuner
{
    /// <summary>Another choice than the estimate's must be faster by this share: less is noise.</summary>
    private const double Gain = 0.03;

    /// <summary>More groups than this for each multiprocessor, and parts only add work.</summary>
    private const int GroupsPerMultiprocessor = 4;

    /// <summary>The problem with each tile that the device has room for, and K whole and in parts.</summary>
    public static IReadOnlyList<MatmulProblem> Candidates(DeviceInfo device, MatmulProblem problem)
    {
        List<MatmulProblem> candidates = [];
        foreach (TensorMatmulForm tile in TensorMatmulChoice.TilesOf(problem))
        {
            if (tile.SharedBytes > device.SharedMemoryPerGroup) continue;
            long groups = tile.Groups(problem);
            for (int parts = 1; parts == 1 || IsWorthwhile(device, problem, groups, parts); parts *= 2)
                candidates.Add(problem with { Tile = tile.ToString(), Parts = parts });
        }
        return candidates;
    }

    private static bool IsWorthwhile(DeviceInfo device, MatmulProblem problem, long groups, int parts) =>
        problem.K / parts >= TensorMatmulChoice.ShortestPart && groups * parts <= (long)GroupsPerMultiprocessor * device.ComputeUnits;

    /// <summary>Runs every candidate <paramref name="rounds"/> times in turn, and takes the least median.</summary>
    /// <exception cref="NotSupportedException">The product does not run on tensor cores; the message says why.</exception>
    public static TunedProduct Measure(AttentionDevice device, MatmulProblem problem, int rounds)
    {
        problem.Validate();
        MatmulPick estimate = MatmulPick.Estimate((KernelDevice)device.Backend, problem);
        if (estimate.Tile < 0)
            throw new NotSupportedException($"There is nothing to tune for {problem} on {device.Info.Name}: {estimate.Why}.");

        IReadOnlyList<MatmulProblem> candidates = Candidates(device.Info, problem);
        List<double>[] times = [.. candidates.Select(_ => new List<double>())];
        using DeviceTensor a = Filled(device, problem.TypeA, problem, 1, Size(problem.M, problem.K, problem.TransposeA));
        using DeviceTensor b = Filled(device, problem.TypeB, problem, problem.GroupB, Size(problem.K, problem.N, problem.TransposeB));
        using DeviceTensor c = device.Allocate(problem.TypeC, problem.Batch0, problem.Batch1, problem.M, problem.N);
        using DeviceTensor bias = device.Allocate(problem.BiasType, problem.N);
        MatmulTensors tensors = new() { A = a, B = b, C = c, Bias = problem.Bias ? bias : default(TensorView) };
        using StreamTimer timer = device.DefaultStream.Backend.CreateTimer();
        List<MatmulPlan> plans = [];
        try
        {
            foreach (MatmulProblem candidate in candidates) plans.Add(device.Plan(candidate));
            for (int round = -1; round < rounds; round++) // the first warms up
            {
                for (int i = 0; i < plans.Count; i++)
                {
                    timer.Start();
                    plans[i].Run(tensors);
                    timer.Stop();
                    double milliseconds = timer.Milliseconds();
                    if (round >= 0) times[i].Add(milliseconds);
                }
            }
        }
        finally
        {
            foreach (MatmulPlan plan in plans) plan.Dispose();
        }
        return Result(problem, estimate, candidates, [.. times.Select(Median)]);
    }

    /// <summary>The fastest, or the estimate where that is as fast.</summary>
    public static TunedProduct Result(
        MatmulProblem problem, MatmulPick estimate, IReadOnlyList<MatmulProblem> candidates, IReadOnlyList<double> medians)
    {
        string estimated = TensorMatmulChoice.TilesOf(problem)[estimate.Tile].ToString();
        int best = 0;
        for (int i = 1; i < medians.Count; i++)
            if (medians[i] < medians[best]) best = i;
        for (int i = 0; i < medians.Count; i++)
        {
            bool isEstimate = candidates[i].Tile == estimated && MatmulPick.PartsOf(problem.K, candidates[i].Parts) == estimate.Parts;
            if (isEstimate && medians[i] <= medians[best] * (1 + Gain)) best = i;
        }
        return new TunedProduct
        {
            Product = MatmulTuning.Name(problem),
            Tile = candidates[best].Tile,
            Parts = candidates[best].Parts,
            Milliseconds = candidates.Zip(medians).ToDictionary(pair => Label(pair.First.Tile, pair.First.Parts), pair => pair.Second),
        };
    }

    /// <summary>"128x256", "64x64 in 4 parts".</summary>
    public static string Label(string? tile, int parts) => $"{tile}{(parts > 1 ? $" in {parts} parts" : "")}";

    private static double Median(List<double> times)
    {
        times.Sort();
        return times[times.Count / 2];
    }

    private static (int Rows, int Columns) Size(int rows, int columns, bool isTransposed) =>
        isTransposed ? (columns, rows) : (rows, columns);

    /// <summary>Small numbers of either sign: zeros would draw less power, and so be multiplied faster.</summary>
    private static DeviceTensor Filled(AttentionDevice device, DType type, MatmulProblem p, int group, (int Rows, int Columns) size)
    {
        float[] values = new float[checked(p.Batch0 * p.Batch1 / group * size.Rows * size.Columns)];
        Random random = new(1);
        for (int i = 0; i < values.Length; i++) values[i] = (2 * random.NextSingle()) - 1;
        return device.UploadAs(type, values, p.Batch0, p.Batch1 / group, size.Rows, size.Columns);
    }
}
