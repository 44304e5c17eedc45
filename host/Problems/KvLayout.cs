namespace AttnKernels;

/// <summary>How keys and values lie in memory.</summary>
public readonly record struct KvLayout
{
    private KvLayout(int blockSize, int blocks) => (BlockSize, Blocks) = (blockSize, blocks);

    /// <summary>Keys of a block, a power of two; 0 where the layout is contiguous.</summary>
    public int BlockSize { get; }

    /// <summary>Blocks that the cache holds.</summary>
    public int Blocks { get; }

    /// <summary>K is (batch, headsKv, seqKv, headDim), V likewise.</summary>
    public static KvLayout Contiguous => default;

    /// <summary>Whether a block table says where keys lie.</summary>
    public bool IsPaged => BlockSize > 0;

    /// <summary>
    /// K is (blocks, headsKv, blockSize, headDim), V likewise: key j of batch entry b lies in row j % blockSize of block BlockTable[b, j / blockSize].
    /// </summary>
    public static KvLayout Paged(int blockSize, int blocks)
    {
        ProblemCheck.Positive(blocks);
        if (blockSize < 1 || !int.IsPow2(blockSize))
            throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, $"blockSize must be a power of two, is {blockSize}.");
        return new KvLayout(blockSize, blocks);
    }

    /// <inheritdoc/>
    public override string ToString() => IsPaged ? $"Paged({BlockSize}, {Blocks})" : "Contiguous";
}
