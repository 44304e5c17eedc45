namespace AttnKernels;

/// <content>Where keys and values lie and how they are stored.</content>
public sealed partial record AttentionProblem
{
    private readonly DType? kvType;

    /// <summary>How K and V lie in memory; Run receives a block table where they are paged. Default: contiguous.</summary>
    public KvLayout Kv { get; init; }

    /// <summary>
    /// Type of K and V, which may differ from that of Q and O: a floating-point type, or Int8, where Run also receives scales and a value is
    /// its integer times the scale of its head and token. Default: Type.
    /// </summary>
    public DType KvType
    {
        get => kvType ?? Type;
        init => kvType = value;
    }

    /// <summary>K and V lie contiguously and have the type of Q.</summary>
    internal bool HasPlainKeys => !Kv.IsPaged && KvType == Type;

    /// <summary>Entries of a row of the block table: ceil(seqKv / blockSize).</summary>
    internal int TableColumns => Kv.IsPaged ? (SeqKv + Kv.BlockSize - 1) / Kv.BlockSize : 0;

    /// <summary>First axis of K and V: the batch, or the blocks.</summary>
    internal int KeyBatch => Kv.IsPaged ? Kv.Blocks : Batch;

    /// <summary>Rows of a head of K and V: the keys, or those of a block.</summary>
    internal int KeyRows => Kv.IsPaged ? Kv.BlockSize : SeqKv;

    private void ValidateKeys()
    {
        if (KvType != DType.Int8 && !KvType.IsFloat())
            throw new ArgumentException($"KvType must be Float32, Float16, BFloat16 or Int8, is {KvType}.", nameof(KvType));
        ProblemCheck.Addressable("K", KvType, KeyBatch, HeadsKv, KeyRows, HeadDim);
        ProblemCheck.Addressable("V", KvType, KeyBatch, HeadsKv, KeyRows, HeadDimV);
    }

    private string DescribeKeys() =>
        $"{(KvType == Type ? "" : $", keys {KvType}")}{(Kv.IsPaged ? $", keys {Kv}" : "")}";
}
