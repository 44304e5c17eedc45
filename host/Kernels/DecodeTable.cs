namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of FlashDecode: 1, 4 or 8 rows for each head size. Two rows take the kernel of four: what it computes in vain costs
/// no memory traffic, which is what decides here.
/// </summary>
internal static class DecodeTable<T, TElement, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyRows
{
    public static readonly KernelEntry<FlashArgs<T, TScore, TKeys>>[] Entries =
    [
        Entry<DecodeTile64, DecodeRow>(),
        Entry<DecodeTile64, TwiceDecode<TwiceDecode<DecodeRow>>>(),
        Entry<DecodeTile64, TwiceDecode<TwiceDecode<TwiceDecode<DecodeRow>>>>(),
        Entry<DecodeTile128, DecodeRow>(),
        Entry<DecodeTile128, TwiceDecode<TwiceDecode<DecodeRow>>>(),
        Entry<DecodeTile128, TwiceDecode<TwiceDecode<TwiceDecode<DecodeRow>>>>(),
        Entry<DecodeTile256, DecodeRow>(),
        Entry<DecodeTile256, TwiceDecode<TwiceDecode<DecodeRow>>>(),
        Entry<DecodeTile1024, DecodeRow>(),
        Entry<DecodeTile1024, TwiceDecode<TwiceDecode<DecodeRow>>>(),
    ];

    private static readonly (int HeadDim, int Rows)[] Sizes =
        [(64, 1), (64, 4), (64, 8), (128, 1), (128, 4), (128, 8), (256, 1), (256, 4), (1024, 1), (1024, 4)];

    /// <summary>The kernel with the fewest rows that hold all of them, or else the most.</summary>
    public static KernelEntry<FlashArgs<T, TScore, TKeys>> Choose(int widest, int rows, out int tileRows)
    {
        int headDim = Array.Find(Sizes, size => size.HeadDim >= widest).HeadDim;
        int index = Array.FindIndex(Sizes, size => size.HeadDim == headDim && size.Rows >= rows);
        if (index < 0) index = Array.FindLastIndex(Sizes, size => size.HeadDim == headDim);
        tileRows = Sizes[index].Rows;
        return Entries[index];
    }

    private static KernelEntry<FlashArgs<T, TScore, TKeys>> Entry<TTile, TRows>()
        where TTile : struct, IDecodeTile
        where TRows : struct, IDecodeRows => new(
            $"FlashDecode {Elements.Label<TElement>()} {TRows.Count} rows D<={TTile.HeadDim} {ScoreLabel.Of<TScore>()}" +
            (typeof(TKeys) == typeof(GeneralKeys) ? " GeneralKeys" : ""),
            FlashDecode<T, TElement, TTile, TRows, TScore, TKeys>.Kernel,
            DecodeTile<TTile, TRows>.GroupSize, DecodeTile<TTile, TRows>.SharedBytes);
}
