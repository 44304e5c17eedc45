namespace AttnKernels;

/// <summary>How keys and values lie in memory.</summary>
public readonly record struct KvLayout
{
    private KvLayout(int blockSize, int blocks, bool isRing) => (BlockSize, Blocks, IsRing) = (blockSize, blocks, isRing);

    /// <summary>Keys of a block, a power of two; 0 where the layout is contiguous.</summary>
    public int BlockSize { get; }

    /// <summary>Blocks that the cache holds.</summary>
    public int Blocks { get; }

    /// <summary>K is (batch, headsKv, seqKv, headDim), V likewise.</summary>
    public static KvLayout Contiguous => default;

    /// <summary>
    /// K is (batch, headsKv, seqKv, headDim), V likewise, and the key at position p lies in row p % seqKv: a cache of the last seqKv keys
    /// (a sliding window). Key lengths count all keys ever written; causal masks, windows and ALiBi go by positions, whatever row they lie
    /// in. Where something else has an axis of keys (masks, biases, documents, blocks), element j belongs to the j-th oldest key that is
    /// still there.
    /// </summary>
    public static KvLayout Ring => new(0, 0, true);

    /// <summary>Whether rows are used again from the first one on.</summary>
    public bool IsRing { get; }

    /// <summary>Whether a block table says where keys lie.</summary>
    public bool IsPaged => BlockSize > 0;

    /// <summary>log2 of the block size.</summary>
    internal int BlockShift => IsPaged ? int.Log2(BlockSize) : 0;

    /// <summary>Entries of a row of the block table.</summary>
    internal int TableColumns(int rows) => IsPaged ? (int)(((long)rows + BlockSize - 1) / BlockSize) : 0;

    /// <summary>
    /// K is (blocks, headsKv, blockSize, headDim), V likewise: key j of batch entry b lies in row j % blockSize of block BlockTable[b, j /
    /// blockSize].
    /// </summary>
    public static KvLayout Paged(int blockSize, int blocks)
    {
        ProblemCheck.Positive(blocks);
        if (blockSize < 1 || !int.IsPow2(blockSize))
            throw new ArgumentOutOfRangeException(nameof(blockSize), blockSize, $"blockSize must be a power of two, is {blockSize}.");
        return new KvLayout(blockSize, blocks, false);
    }

    /// <inheritdoc/>
    public override string ToString() => IsPaged ? $"Paged({BlockSize}, {Blocks})" : IsRing ? "Ring" : "Contiguous";
}
