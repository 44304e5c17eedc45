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
        new(TTile.BM, TTile.BN, 2 * TTile.Stages * (TTile.BM + TTile.BN) * TensorMatmulSteps.BK, rate);

    public long Groups(MatmulProblem p) => (long)p.Batch0 * p.Batch1 * Grids.Tiles(p.M, BM) * Grids.Tiles(p.N, BN);

    public override string ToString() => $"{BM}x{BN}";
}

/// <summary>Which tile of TensorMatmul a problem gets on a device.</summary>
internal static class TensorMatmulChoice
{
    /// <summary>Starting and ending a group take about as long as this many elements of K.</summary>
    private const int Overhead = 128;

    public static IReadOnlyList<TensorMatmulForm> Tiles { get; } =
    [
        TensorMatmulForm.Of<TensorTile128x256>(1),
        TensorMatmulForm.Of<TensorTile128x128>(0.85),
        TensorMatmulForm.Of<TensorTile64x64>(0.5),
    ];

    /// <summary>
    /// The tile that is through first: each multiprocessor works through its share of them, and the last ones leave some idle.
    /// </summary>
    public static int Choose(DeviceInfo device, MatmulProblem p, out string why)
    {
        int best = -1;
        double least = double.PositiveInfinity;
        for (int i = 0; i < Tiles.Count; i++)
        {
            TensorMatmulForm tile = Tiles[i];
            double work = Work(device, p, tile);
            if (tile.SharedBytes > device.SharedMemoryPerGroup || work >= least) continue;
            (best, least) = (i, work);
        }
        why = Why(device, p, best);
        return best;
    }

    private static double Work(DeviceInfo device, MatmulProblem p, TensorMatmulForm tile) =>
        Rounds(device, tile.Groups(p)) * ((double)p.K + Overhead) * tile.BM * tile.BN / tile.Rate;

    private static long Rounds(DeviceInfo device, long groups) => (groups + device.ComputeUnits - 1) / device.ComputeUnits;

    private static string Why(DeviceInfo device, MatmulProblem p, int best)
    {
        TensorMatmulForm tile = Tiles[best];
        string why = $"{tile} tiles, {tile.Groups(p)} on {device.ComputeUnits} multiprocessors";
        if (best == 0) return $"{why}: the tile that reads least";
        TensorMatmulForm larger = Tiles[best - 1];
        return larger.SharedBytes > device.SharedMemoryPerGroup
            ? $"{why}: {larger} needs {larger.SharedBytes} bytes of shared memory, the device gives {device.SharedMemoryPerGroup}"
            : $"{why}: of {larger} there are {larger.Groups(p)}, which would take longer by the last of them or by what they leave empty";
    }
}
