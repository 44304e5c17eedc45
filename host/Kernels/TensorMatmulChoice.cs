namespace AttnKernels.Kernels;

/// <summary>A tile of TensorMatmul as the choice among them sees it.</summary>
/// <param name="BM">Rows.</param>
/// <param name="BN">Columns.</param>
/// <param name="SharedBytes">What a group needs.</param>
/// <param name="Rate">
/// How fast a multiprocessor multiplies with it, of the fastest. From counts, not timed: a product of 64 x 64 takes 8 loads of 512 bytes
/// from shared memory, one of 32 x 32 half of that for a quarter of the work; the smaller a tile, the more of A and B passes the cache.
/// </param>
internal sealed record TensorMatmulForm(int BM, int BN, int SharedBytes, double Rate)
{
    public static TensorMatmulForm Of<TTile>(double rate)
        where TTile : struct, ITensorMatmulTile =>
        new(TTile.BM, TTile.BN, 16 * TTile.Stages * (TTile.BM + TTile.BN) * TensorMatmulSteps.Chunks, rate);

    public long Groups(MatmulProblem p) => (long)p.Batch0 * p.Batch1 * Grids.Tiles(p.M, BM) * Grids.Tiles(p.N, BN);

    public override string ToString() => $"{BM}x{BN}";
}

/// <summary>
/// Which tile of TensorMatmul a problem gets on a device, and in how many parts K is summed. Work is counted in multiplications of the
/// fastest tile on one multiprocessor; the constants are estimates for GPUs of today, not measured on any.
/// </summary>
internal static class TensorMatmulChoice
{
    /// <summary>Starting and ending a group take about as long as this many elements of K.</summary>
    private const int Overhead = 128;

    /// <summary>Another launch, and waiting for the last group of the first: 3 us.</summary>
    private const double SecondLaunch = 6e6;

    /// <summary>Multiplications of a multiprocessor while its share of the second-level cache's bandwidth moves a byte.</summary>
    private const double PerByte = 100;

    /// <summary>No part is shorter.</summary>
    public const int ShortestPart = 4 * TensorMatmulSteps.Longest;

    /// <summary>For 16-bit A and B.</summary>
    public static IReadOnlyList<TensorMatmulForm> Tiles { get; } =
    [
        TensorMatmulForm.Of<TensorTile128x256>(1),
        TensorMatmulForm.Of<TensorTile128x128>(0.85),
        TensorMatmulForm.Of<TensorTile64x64>(0.5),
    ];

    /// <summary>For fp32 A and B as TF32, of which tensor cores multiply half as many.</summary>
    public static IReadOnlyList<TensorMatmulForm> Tf32Tiles { get; } =
        [TensorMatmulForm.Of<TensorTile128x128>(0.42), TensorMatmulForm.Of<TensorTile64x64>(0.25)];

    /// <summary>The same in three parts, three products for one.</summary>
    public static IReadOnlyList<TensorMatmulForm> Tf32x3Tiles { get; } =
        [TensorMatmulForm.Of<TensorTile128x64>(0.12), TensorMatmulForm.Of<TensorTile64x64>(0.1)];

    public static IReadOnlyList<TensorMatmulForm> TilesOf(MatmulProblem p) => p.InputPrecision switch
    {
        InputPrecision.Tf32x3 => Tf32x3Tiles,
        InputPrecision.Tf32 => Tf32Tiles,
        _ => Tiles,
    };

    /// <summary>
    /// The tile that is through first: each multiprocessor works through its share of them, and the last ones leave some idle. Where
    /// they are fewer than half of the multiprocessors, K is summed in parts if that outweighs adding them up.
    /// </summary>
    public static int Choose(DeviceInfo device, MatmulProblem p, out int parts, out string why)
    {
        IReadOnlyList<TensorMatmulForm> tiles = TilesOf(p);
        int best = tiles.Count - 1;
        parts = Math.Max(p.Parts, 1);
        double least = double.PositiveInfinity;
        for (int i = 0; i < tiles.Count; i++)
        {
            if (tiles[i].SharedBytes > device.SharedMemoryPerGroup || (p.Tile is not null && p.Tile != tiles[i].ToString())) continue;
            int filling = p.Parts > 0 ? p.Parts : Filling(device, p, tiles[i].Groups(p));
            foreach (int candidate in (ReadOnlySpan<int>)[p.Parts > 0 ? p.Parts : 1, filling])
            {
                double work = Work(device, p, tiles[i], candidate);
                if (work >= least) continue;
                (best, parts, least) = (i, candidate, work);
            }
        }
        why = Why(device, p, tiles, best, parts);
        return best;
    }

    /// <summary>Where a tile of that name is among the problem's; -1 = nowhere.</summary>
    public static int Find(MatmulProblem p, string? name)
    {
        IReadOnlyList<TensorMatmulForm> tiles = TilesOf(p);
        for (int i = 0; i < tiles.Count; i++)
            if (tiles[i].ToString() == name) return i;
        return -1;
    }

    /// <summary>Whether there is a tile of that name for any type.</summary>
    public static bool IsTile(string? name) => Tiles.Concat(Tf32Tiles).Concat(Tf32x3Tiles).Any(tile => tile.ToString() == name);

    /// <summary>As many parts of K as give every multiprocessor a group at most, none shorter than it should be.</summary>
    public static int Filling(DeviceInfo device, MatmulProblem p, long groups) =>
        (int)Math.Clamp(Math.Min(device.ComputeUnits / groups, p.K / ShortestPart), 1, int.MaxValue);

    private static double Work(DeviceInfo device, MatmulProblem p, TensorMatmulForm tile, int parts)
    {
        double depth = parts == 1 ? p.K : MatmulPick.SplitOf(p.K, parts);
        double product = Rounds(device, tile.Groups(p) * parts) * (depth + Overhead) * tile.BM * tile.BN / tile.Rate;
        if (parts == 1) return product;
        double bytes = (double)p.Batch0 * p.Batch1 * p.M * p.N * sizeof(float) * 2 * parts;
        return product + SecondLaunch + (bytes / device.ComputeUnits * PerByte);
    }

    private static long Rounds(DeviceInfo device, long groups) => (groups + device.ComputeUnits - 1) / device.ComputeUnits;

    private static string Why(DeviceInfo device, MatmulProblem p, IReadOnlyList<TensorMatmulForm> tiles, int best, int parts)
    {
        TensorMatmulForm tile = tiles[best];
        string why = $"{tile} tiles, {tile.Groups(p)} on {device.ComputeUnits} multiprocessors";
        if (parts > 1) why += $", so few that K is summed in parts";
        if (best == 0) return $"{why}: the tile that reads least";
        TensorMatmulForm larger = tiles[best - 1];
        return larger.SharedBytes > device.SharedMemoryPerGroup
            ? $"{why}: {larger} needs {larger.SharedBytes} bytes of shared memory, the device gives {device.SharedMemoryPerGroup}"
            : $"{why}: of {larger} there are {larger.Groups(p)}, which would take longer by the last of them or by what they leave empty";
    }
}
