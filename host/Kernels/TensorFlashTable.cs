namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of TensorFlashForward and the choice among them: 64 query rows, and as many keys as leave room for two stages of K
/// and V in 32 KB. Heads past 128 are not among them: Q and O of 16 rows would take 192 registers a lane, and ptxas spills.
/// </summary>
internal static class TensorFlashTable<TStored, TElement, TScore>
    where TStored : struct, IElement<ushort>
    where TElement : struct, ITensorElement
    where TScore : struct, IScoreRule
{
    public static readonly KernelEntry<FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>>>[] Entries = Sizes<
        BothQueries<TElement, BothQueries<TElement, TensorQuery<TElement>>>,
        BothColumns<TElement, BothColumns<TElement, TensorColumn<TElement>>>>.Entries();

    private static readonly int[] HeadDims = [64, 128];

    /// <summary>The kernel for heads of this size; null where they are larger than any.</summary>
    public static KernelEntry? Choose(int headDim, int headDimV)
    {
        int widest = Math.Max(headDim, headDimV);
        int index = Array.FindIndex(HeadDims, size => widest <= size);
        return index < 0 ? null : Entries[index];
    }

    /// <summary>From 64 columns to those of all tiles.</summary>
    private static class Sizes<TQueries64, TColumns64>
        where TQueries64 : struct, ITensorQueries<TElement>
        where TColumns64 : struct, ITensorColumns<TElement>
    {
        public static KernelEntry<FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>>>[] Entries() =>
        [
            Entry<TQueries64, TColumns64, TColumns64>(),
            Entry<BothQueries<TElement, TQueries64>, BothColumns<TElement, TensorColumn<TElement>>, BothColumns<TElement, TColumns64>>(),
        ];

        private static KernelEntry<FlashArgs<ushort, TScore, PlainKeys<ushort, TStored>>> Entry<TQueries, TScores, TOutput>()
            where TQueries : struct, ITensorQueries<TElement>
            where TScores : struct, ITensorColumns<TElement>
            where TOutput : struct, ITensorColumns<TElement> => new(
                $"TensorFlashForward {Elements.Label<TStored>()} {TensorFlashTile.Br}x{TScores.Columns} D<={TOutput.Columns} " +
                $"{ScoreLabel.Of<TScore>()}",
                TensorFlashForward<TStored, TElement, TQueries, TScores, TOutput, TScore>.Kernel, TensorFlashTile.GroupSize,
                TensorFlashTile.SharedBytes)
            {
                NeedsTensorCores = true,
            };
    }
}
