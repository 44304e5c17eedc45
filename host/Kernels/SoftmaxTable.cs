namespace AttnKernels.Kernels;

/// <summary>The instantiations of FusedSoftmax for one combination of storage types, and the choice among them.</summary>
internal static class SoftmaxTable<TX, TElementX, TY, TElementY, TScore>
    where TX : unmanaged
    where TElementX : struct, IElement<TX>
    where TY : unmanaged
    where TElementY : struct, IElement<TY>
    where TScore : struct, IScoreRule
{
    /// <summary>Rows up to this length keep 16 lanes busy for 4 loads each; longer ones want a group of their own.</summary>
    private const int LongestShortRow = 256;

    public static readonly KernelEntry<SoftmaxArgs<TX, TY, TScore>> Long = Entry<SoftmaxTileLong>();

    public static readonly KernelEntry<SoftmaxArgs<TX, TY, TScore>> Short = Entry<SoftmaxTileShort>();

    public static KernelEntry<SoftmaxArgs<TX, TY, TScore>>[] Entries => [Long, Short];

    /// <summary>The kernel for rows of this length, and the rows of a group.</summary>
    public static KernelEntry<SoftmaxArgs<TX, TY, TScore>> Choose(int columns, out int rows)
    {
        bool isShort = columns <= LongestShortRow;
        rows = isShort ? SoftmaxTileShort.Rows : SoftmaxTileLong.Rows;
        return isShort ? Short : Long;
    }

    private static KernelEntry<SoftmaxArgs<TX, TY, TScore>> Entry<TTile>()
        where TTile : struct, ISoftmaxTile => new(
            $"FusedSoftmax {Elements.Label<TElementX>()}->{Elements.Label<TElementY>()} {TTile.Rows}x{TTile.Lanes} lanes " +
            $"{ScoreLabel.Of<TScore>()}",
            FusedSoftmax<TX, TElementX, TY, TElementY, TTile, TScore>.Kernel, SoftmaxTile<TTile>.GroupSize, SoftmaxTile<TTile>.SharedBytes);
}
