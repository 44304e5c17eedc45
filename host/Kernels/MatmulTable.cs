namespace AttnKernels.Kernels;

/// <summary>The instantiations of the matmul kernels for one combination of storage types, and the choice among them.</summary>
internal static class MatmulTable<TA, TElementA, TB, TElementB, TC, TElementC>
    where TA : unmanaged
    where TElementA : struct, IElement<TA>
    where TB : unmanaged
    where TElementB : struct, IElement<TB>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    /// <summary>128 x 128 tiles pay from this many of them on: fewer leave the multiprocessors of a large GPU idle.</summary>
    private const long FullDevice = 128;

    private static readonly string Label = $"{Elements.Label<TElementA>()}x{Elements.Label<TElementB>()}->{Elements.Label<TElementC>()}";

    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> Large = Tiled<MatmulTile128, PlainMultiply, NoActivation>();

    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> Small = Tiled<MatmulTile64, PlainMultiply, NoActivation>();

    /// <summary>For P V of unfused attention, where a weight of 0 hides the value.</summary>
    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> LargeZeroHides = Tiled<MatmulTile128, ZeroHidesMultiply, NoActivation>();

    /// <inheritdoc cref="LargeZeroHides"/>
    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> SmallZeroHides = Tiled<MatmulTile64, ZeroHidesMultiply, NoActivation>();

    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> LargeActivation = Tiled<MatmulTile128, PlainMultiply, AnyActivation>();

    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> SmallActivation = Tiled<MatmulTile64, PlainMultiply, AnyActivation>();

    /// <summary>The baseline of benchmarks and of those who read; only <see cref="MatmulProblem.Naive"/> chooses it.</summary>
    public static readonly KernelEntry<MatmulArgs<TA, TB, TC>> Naive = new(
        $"NaiveMatmul {Label}", NaiveMatmul<TA, TElementA, TB, TElementB, TC, TElementC>.Kernel, 256, 0);

    public static KernelEntry<MatmulArgs<TA, TB, TC>>[] Entries =>
        [Large, Small, LargeZeroHides, SmallZeroHides, LargeActivation, SmallActivation, Naive];

    /// <summary>The kernel for a problem, and how many groups it runs in.</summary>
    public static KernelEntry<MatmulArgs<TA, TB, TC>> Choose(MatmulProblem p, out long groups)
    {
        long batch = (long)p.Batch0 * p.Batch1;
        long largeTiles = batch * Grids.Tiles(p.M, MatmulTile128.BM) * Grids.Tiles(p.N, MatmulTile128.BN);
        long smallTiles = batch * Grids.Tiles(p.M, MatmulTile64.BM) * Grids.Tiles(p.N, MatmulTile64.BN);
        bool isLarge = p.M > MatmulTile64.BM && p.N > MatmulTile64.BN && largeTiles >= FullDevice;
        groups = isLarge ? largeTiles : smallTiles;
        if (p.Naive)
        {
            groups = batch * ((((long)p.M * p.N) + Naive.GroupSize - 1) / Naive.GroupSize);
            return Naive;
        }
        if (p.Activation != Activation.None) return isLarge ? LargeActivation : SmallActivation;
        return (isLarge, p.SkipZeroA) switch
        {
            (true, false) => Large,
            (true, true) => LargeZeroHides,
            (false, false) => Small,
            (false, true) => SmallZeroHides,
        };
    }

    private static KernelEntry<MatmulArgs<TA, TB, TC>> Tiled<TTile, TMultiply, TActivation>()
        where TTile : struct, IMatmulTile
        where TMultiply : struct, IMultiply
        where TActivation : struct, IActivation => new(
            $"TiledMatmul {Label} {TTile.BM}x{TTile.BN}x{TTile.BK}" +
            $"{(TMultiply.ZeroHides ? " zero hides" : "")}{(TActivation.IsPresent ? " activation" : "")}",
            TiledMatmul<TA, TElementA, TB, TElementB, TC, TElementC, TTile, TMultiply, TActivation>.Kernel,
            MatmulTile<TTile>.GroupSize, MatmulTile<TTile>.SharedBytes)
        {
            // 512 lanes of 128 registers each fill a multiprocessor.
            GroupsPerMultiprocessor = 512 / MatmulTile<TTile>.GroupSize,
        };
}
