namespace AttnKernels.Kernels;

/// <summary>Measures the tiles and parts of K that a product could have on a device with tensor cores.</summary>
internal static class MatmulTuner
{
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
    public static TunedProblem Measure(AttentionDevice device, MatmulProblem problem, int rounds)
    {
        problem.Validate();
        MatmulPick estimate = MatmulPick.Estimate((KernelDevice)device.Backend, problem);
        if (estimate.Tile < 0)
            throw new NotSupportedException($"There is nothing to tune for {problem} on {device.Info.Name}: {estimate.Why}.");

        (int b0, int b1) = (problem.Batch0, problem.Batch1);
        (int rowsA, int columnsA) = Size(problem.M, problem.K, problem.TransposeA);
        (int rowsB, int columnsB) = Size(problem.K, problem.N, problem.TransposeB);
        using DeviceTensor a = Tuner.Filled(device, problem.TypeA, b0, b1, rowsA, columnsA);
        using DeviceTensor b = Tuner.Filled(device, problem.TypeB, b0, b1 / problem.GroupB, rowsB, columnsB);
        using DeviceTensor c = device.Allocate(problem.TypeC, b0, b1, problem.M, problem.N);
        using DeviceTensor bias = device.Allocate(problem.BiasType, problem.N);
        MatmulTensors tensors = new() { A = a, B = b, C = c, Bias = problem.Bias ? bias : default(TensorView) };
        IReadOnlyList<MatmulProblem> candidates = Candidates(device.Info, problem);
        return Result(problem, estimate, candidates, Tuner.Medians(device, candidates, device.Plan, plan => plan.Run(tensors), rounds));
    }

    /// <summary>The fastest, or the estimate where that is as fast.</summary>
    public static TunedProblem Result(
        MatmulProblem problem, MatmulPick estimate, IReadOnlyList<MatmulProblem> candidates, IReadOnlyList<double> medians)
    {
        string estimated = TensorMatmulChoice.TilesOf(problem)[estimate.Tile].ToString();
        int index = candidates.ToList().FindIndex(
            c => c.Tile == estimated && MatmulPick.PartsOf(problem.K, c.Parts) == estimate.Parts);
        return Tuner.Result(TuningClass.Of(problem), [.. candidates.Select(c => (c.Tile!, c.Parts))], index, medians);
    }

    private static (int Rows, int Columns) Size(int rows, int columns, bool isTransposed) =>
        isTransposed ? (columns, rows) : (rows, columns);
}
