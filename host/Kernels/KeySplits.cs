namespace AttnKernels.Kernels;

/// <summary>
/// Which problems split their keys, and how. The sizes of a sequence decide, and whether its kernels are those of tensor cores, not the
/// batch or the number of multiprocessors: a row's bits are the same beside any others.
/// </summary>
internal static class KeySplits
{
    /// <summary>Keys of a split of FlashDecode.</summary>
    public const int DecodeKeys = DecodeTile<DecodeTile64, DecodeRow>.SplitKeys;

    /// <summary>
    /// Rows of two tiles of 8: the second finds K and V in the cache. A row takes 4 D operations a key of 4 D bytes (fp16), so that many
    /// operations a byte; the fp32 units of an A100 keep up with its memory to 10 of them, those of an H100 to 18.
    /// </summary>
    private const int MostDecodeRows = 16;

    /// <summary>
    /// Without tensor cores, up to 8 queries: FlashForward, with a group for each query head, fills at most 8 rows of its tiles and reads K
    /// and V once a head; a tile of 8 rows of FlashDecode is at least a head.
    /// </summary>
    private const int MostDecodeQueries = 8;

    /// <summary>Rows of a large tile, or of two small ones, on tensor cores; with more, there are groups enough without splits.</summary>
    private const int MostTensorRows = 128;

    private const int WidestHead = 1024;

    /// <summary>Query rows of a key head.</summary>
    public static long Rows(AttentionProblem p) => (long)p.HeadsQ / p.HeadsKv * p.SeqQ;

    /// <summary>
    /// Whether FlashDecode serves a problem: so few rows that reading K and V, once for all of them, is what takes time; a single split
    /// would gain nothing. FlashForward has what is not there: hidden blocks, which are to be skipped, packed sequences, and rows that
    /// change once they are loaded.
    /// </summary>
    public static bool OfDecode(AttentionProblem p, bool isOnTensorCores) =>
        p.Blocks is null && p.Packed is null && p.Rotary is null && p.Similarity == Similarity.DotProduct
        && p.SeqKv > DecodeKeys && Math.Max(p.HeadDim, p.HeadDimV) <= WidestHead
        && (Rows(p) <= MostDecodeRows || (p.SeqQ <= MostDecodeQueries && !isOnTensorCores));

    /// <summary>
    /// Keys of a split of TensorFlashForward, or int.MaxValue for all of them. A part of O takes 4 Dv bytes a row to write and as many to
    /// read, K and V 2 (D + Dv) a key: with at least 8 keys a row parts are a quarter of K and V at most, and an eighth of them at 32 rows.
    /// </summary>
    public static int OnTensorCores(AttentionProblem p)
    {
        const int fewest = 512;
        int keys = Math.Max(fewest, 8 * (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Min(Rows(p), MostTensorRows)));
        return p.Packed is null && Rows(p) <= MostTensorRows && p.SeqKv > keys ? keys : int.MaxValue;
    }
}
