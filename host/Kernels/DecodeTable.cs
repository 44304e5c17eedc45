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

    private const int WidestHead = 256;

    /// <summary>Query rows of a key head.</summary>
    public static long Rows(AttentionProblem p) => (long)p.HeadsQ / p.HeadsKv * p.SeqQ;

    /// <summary>
    /// Whether there are so few that K and V, read once for all of them, are what takes time; a single split would gain nothing.
    /// </summary>
    /// <remarks>
    /// FlashForward has what is not here: sinks, which take part once a row and not once a split, hidden blocks, which are to be skipped,
    /// and sequences with rows of their own (packed, rings).
    /// </remarks>
    public static bool Fits(AttentionProblem p) =>
        !p.Sinks && p.Blocks is null && p.Packed is null && !p.Kv.IsRing && p.Rotary is null && p.Similarity == Similarity.DotProduct
        && p.SeqKv > Keys && Rows(p) <= MostRows && Math.Max(p.HeadDim, p.HeadDimV) <= WidestHead;
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
            $"FlashDecode {Elements.Label<TElement>()} {TRows.Count} rows D<={TTile.HeadDim} {typeof(TScore).Name}" +
            (typeof(TKeys) == typeof(GeneralKeys) ? " GeneralKeys" : ""),
            FlashDecode<T, TElement, TTile, TRows, TScore, TKeys>.Kernel,
            DecodeTile<TTile, TRows>.GroupSize, DecodeTile<TTile, TRows>.SharedBytes);
}
