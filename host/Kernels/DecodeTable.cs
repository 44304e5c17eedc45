namespace AttnKernels.Kernels;

/// <summary>Which problems FlashDecode serves, and how it splits their keys.</summary>
internal static class DecodeSplits
{
    /// <summary>Keys of a split.</summary>
    public const int Keys = DecodeTile<DecodeTile64, DecodeRow>.SplitKeys;

    /// <summary>
    /// Rows of two tiles of 8: the second finds K and V in the cache. A row takes 4 D operations a key of 4 D bytes (fp16), so that many
    /// operations a byte; the fp32 units of an A100 keep up with its memory to 10 of them, those of an H100 to 18.
    /// </summary>
    private const int MostRows = 16;

    /// <summary>
    /// Up to 8 queries FlashForward, with a group for each query head, fills at most 8 rows of its tiles and reads K and V once a head; a
    /// tile of 8 rows here is at least a head.
    /// </summary>
    private const int MostQueries = 8;

    private const int WidestHead = 256;

    /// <summary>Query rows of a key head.</summary>
    public static long Rows(AttentionProblem p) => (long)p.HeadsQ / p.HeadsKv * p.SeqQ;

    /// <summary>
    /// Whether there are so few that K and V, read once for all of them, are what takes time; a single split would gain nothing.
    /// </summary>
    /// <remarks>
    /// FlashForward has what is not here: hidden blocks, which are to be skipped, packed sequences, and rows that change once they are
    /// loaded. The sizes of a sequence decide, not the batch or the device: a row's bits are the same everywhere.
    /// </remarks>
    public static bool Fits(AttentionProblem p) =>
        p.Blocks is null && p.Packed is null && p.Rotary is null && p.Similarity == Similarity.DotProduct
        && p.SeqKv > Keys && (Rows(p) <= MostRows || p.SeqQ <= MostQueries) && Math.Max(p.HeadDim, p.HeadDimV) <= WidestHead;
}

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
    public static readonly KernelEntry<DecodeArgs<T, TScore, TKeys>>[] Entries =
    [
        Entry<DecodeTile64, DecodeRow>(),
        Entry<DecodeTile64, TwiceDecode<TwiceDecode<DecodeRow>>>(),
        Entry<DecodeTile64, TwiceDecode<TwiceDecode<TwiceDecode<DecodeRow>>>>(),
        Entry<DecodeTile128, DecodeRow>(),
        Entry<DecodeTile128, TwiceDecode<TwiceDecode<DecodeRow>>>(),
        Entry<DecodeTile128, TwiceDecode<TwiceDecode<TwiceDecode<DecodeRow>>>>(),
        Entry<DecodeTile256, DecodeRow>(),
        Entry<DecodeTile256, TwiceDecode<TwiceDecode<DecodeRow>>>(),
    ];

    private static readonly (int HeadDim, int Rows)[] Sizes = [(64, 1), (64, 4), (64, 8), (128, 1), (128, 4), (128, 8), (256, 1), (256, 4)];

    /// <summary>The kernel with the fewest rows that hold all of them, or else the most.</summary>
    public static KernelEntry<DecodeArgs<T, TScore, TKeys>> Choose(int widest, int rows, out int tileRows)
    {
        int headDim = Array.Find(Sizes, size => size.HeadDim >= widest).HeadDim;
        int index = Array.FindIndex(Sizes, size => size.HeadDim == headDim && size.Rows >= rows);
        if (index < 0) index = Array.FindLastIndex(Sizes, size => size.HeadDim == headDim);
        tileRows = Sizes[index].Rows;
        return Entries[index];
    }

    private static KernelEntry<DecodeArgs<T, TScore, TKeys>> Entry<TTile, TRows>()
        where TTile : struct, IDecodeTile
        where TRows : struct, IDecodeRows => new(
            $"FlashDecode {Elements.Label<TElement>()} {TRows.Count} rows D<={TTile.HeadDim} {ScoreLabel.Of<TScore>()}" +
            (typeof(TKeys) == typeof(GeneralKeys) ? " GeneralKeys" : ""),
            FlashDecode<T, TElement, TTile, TRows, TScore, TKeys>.Kernel,
            DecodeTile<TTile, TRows>.GroupSize, DecodeTile<TTile, TRows>.SharedBytes);
}
