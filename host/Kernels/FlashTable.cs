namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of FlashForward and the choice among them. One tile a head size: each is the largest whose shared memory stays
/// within the 48 KB that every device has (FlashTiles.cs says why not larger).
/// </summary>
internal static class FlashTable<T, TElement, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeySource
{
    public static readonly KernelEntry<FlashArgs<T, TScore, TKeys>>[] Entries =
    [
        EightRows<FlashTile64>(),
        EightRows<FlashTile128>(),
        FourRows<FlashTile256>(),
    ];

    private static readonly int[] HeadDims = [64, 128, 256];

    private static readonly int[] Rows = [FlashTile<FlashTile64>.Br, FlashTile<FlashTile128>.Br, FlashTile<FlashTile256>.Br];

    /// <summary>The kernel for heads of this size, and the query rows of its tile.</summary>
    public static KernelEntry<FlashArgs<T, TScore, TKeys>> Choose(int headDim, int headDimV, out int br)
    {
        int widest = Math.Max(headDim, headDimV);
        int index = Array.FindIndex(HeadDims, size => widest <= size);
        if (index < 0)
        {
            throw new NotSupportedException(
                $"Fused attention on this device is built for head dims up to {HeadDims[^1]}; got {headDim} and {headDimV}. " +
                "Larger heads run on the cpu device, or unfused (Weights = true).");
        }
        br = Rows[index];
        return Entries[index];
    }

    private static KernelEntry<FlashArgs<T, TScore, TKeys>> EightRows<TTile>()
        where TTile : struct, IFlashTile => Entry<TTile, Twice<TTile, Twice<TTile, Twice<TTile, FlashRow<TTile>>>>>();

    private static KernelEntry<FlashArgs<T, TScore, TKeys>> FourRows<TTile>()
        where TTile : struct, IFlashTile => Entry<TTile, Twice<TTile, Twice<TTile, FlashRow<TTile>>>>();

    private static KernelEntry<FlashArgs<T, TScore, TKeys>> Entry<TTile, TRows>()
        where TTile : struct, IFlashTile
        where TRows : struct, IFlashRows => new(
            $"FlashForward {Elements.Label<TElement>()} {FlashTile<TTile>.Br}x{FlashTile<TTile>.Bc} D<={FlashTile<TTile>.HeadDim} " +
            $"{ScoreLabel.Of<TScore>()}{(typeof(TKeys) == typeof(PlainKeys<T, TElement>) ? "" : $" {typeof(TKeys).Name.Split('`')[0]}")}",
            FlashForward<T, TElement, TTile, TRows, TScore, TKeys>.Kernel, TTile.GroupSize, FlashTile<TTile>.SharedBytes);
}
