namespace AttnKernels;

/// <summary>
/// A mask with one element for each block of pairs: block (n, m) holds the queries from n * QueryBlock and the keys from m * KeyBlock on.
/// </summary>
/// <param name="QueryBlock">Queries of a block, any positive number; whole query tiles are skipped best at multiples of 64.</param>
/// <param name="KeyBlock">Keys of a block, any positive number; multiples of 128 are skipped whole on every device.</param>
public readonly record struct BlockSparsity(int QueryBlock, int KeyBlock)
{
    /// <summary>Blocks along <paramref name="queries"/> queries; the last one may be cut.</summary>
    public int QueryBlocks(int queries) => ((queries - 1) / QueryBlock) + 1;

    /// <summary>Blocks along <paramref name="keys"/> keys; the last one may be cut.</summary>
    public int KeyBlocks(int keys) => ((keys - 1) / KeyBlock) + 1;
}
