namespace AttnKernels.Kernels;

/// <summary>Which matmul kernel a problem gets on a device.</summary>
/// <param name="Tile">Of <see cref="TensorMatmulChoice.TilesOf"/>; -1 = not on tensor cores.</param>
/// <param name="Parts">In how many parts K is summed, each by groups of its own.</param>
/// <param name="SplitK">Elements of K of a part.</param>
/// <param name="Why">For <c>Explain</c>.</param>
internal sealed record MatmulPick(int Tile, int Parts, int SplitK, string Why)
{
    /// <summary>Parts start at multiples of this, a step of the tensor-core kernel and of no other kernel less.</summary>
    private const int Step = TensorMatmulSteps.Longest;

    /// <summary>Without tensor cores: below that a second launch costs more than the parts save.</summary>
    private const int ShortestPart = 512;

    /// <summary>What was measured on the device, else the estimate.</summary>
    public static MatmulPick Of(KernelDevice device, MatmulProblem problem)
    {
        MatmulPick estimate = Estimate(device, problem);
        if (estimate.Tile < 0 || problem.Tile is not null || problem.Parts > 0) return estimate;
        Tuning tuning = device.Tuning;
        if (tuning.Find(problem) is { } tuned && TensorMatmulChoice.Find(problem, tuned.Tile) is >= 0 and int tile)
            return Split(problem, tile, tuned.Parts, $"on tensor cores; {Tuning.Why(tuned.Tile!)}");
        return tuning.Remark.Length == 0 ? estimate : estimate with { Why = $"{estimate.Why}; {tuning.Remark}" };
    }

    public static MatmulPick Estimate(KernelDevice device, MatmulProblem problem)
    {
        if (WhyPortable(device, problem) is { } reason)
        {
            string why = $"no tensor cores {reason}{problem.InsteadOfPrecision}; 128 x 128 tiles where 128 or more of them fill the device";
            return Split(problem, -1, Portable(device.Info, problem), why);
        }
        int tile = TensorMatmulChoice.Choose(device.Info, problem, out int parts, out string choice);
        return Split(problem, tile, parts, $"on tensor cores; {choice}");
    }

    private static MatmulPick Split(MatmulProblem problem, int tile, int parts, string why)
    {
        int there = PartsOf(problem.K, parts);
        return new MatmulPick(tile, there, there == 1 ? problem.K : SplitOf(problem.K, parts), why);
    }

    /// <summary>How many parts there are when they are whole steps.</summary>
    public static int PartsOf(int k, int parts) => (int)Grids.Tiles(k, SplitOf(k, parts));

    /// <summary>How long parts are, whole steps.</summary>
    public static int SplitOf(int k, int parts) =>
        (int)Math.Min(int.MaxValue / Step * Step, Grids.Tiles((int)Grids.Tiles(k, parts), Step) * Step);

    /// <summary>
    /// As <see cref="TensorMatmulChoice"/> has it, for tiles of 64 x 64. Weights of 0 that hide a value and the baseline stay whole, and so
    /// do mixed types, whose parts would be one more kernel.
    /// </summary>
    private static int Portable(DeviceInfo device, MatmulProblem p)
    {
        if (p.SkipZeroA || p.Naive || p.TypeA != p.TypeB) return 1;
        if (p.Parts > 0) return p.Parts;
        long groups = (long)p.Batch0 * p.Batch1 * Grids.Tiles(p.M, MatmulTile64.BM) * Grids.Tiles(p.N, MatmulTile64.BN);
        int parts = TensorMatmulChoice.Filling(device, p, groups);
        return p.K / parts < ShortestPart ? 1 : parts;
    }

    private static string? WhyPortable(KernelDevice device, MatmulProblem problem)
    {
        bool isFp32 = problem.TypeA == DType.Float32 || problem.TypeB == DType.Float32;
        if (isFp32 && problem.InputPrecision == InputPrecision.Ieee) return "since fp32 is multiplied as fp32";
        if (!device.HasTensorCores) return "on this device";
        if (problem.SkipZeroA) return "since they multiply a weight of 0, too";
        if (problem.Naive) return "in the baseline";
        return Math.Min(Math.Min(problem.M, problem.N), problem.K) < TensorMatmulSteps.Fragment
            ? $"since they multiply blocks of {TensorMatmulSteps.Fragment}, of which {problem.M} x {problem.N} x {problem.K} leaves most " +
              "empty"
            : null;
    }
}
