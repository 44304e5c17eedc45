namespace AttnKernels;

/// <content>Where keys and values lie and how they are stored.</content>
public sealed partial record AttentionProblem
{
    private readonly DType? kvType;

    /// <summary>How K and V lie in memory; Run receives a block table where they are paged. Default: contiguous.</summary>
    public KvLayout Kv { get; init; }

    /// <summary>
    /// Type of K and V, which may differ from that of Q and O: a floating-point type, or Int8, where Run also receives scales and a value
    /// is its integer times the scale of its head and token. Default: Type.
    /// </summary>
    public DType KvType
    {
        get => kvType ?? Type;
        init => kvType = value;
    }

    /// <summary>
    /// The sequences of the batch lie one after the other, without padding; Run receives where they start. SeqQ and SeqKv are then those of
    /// the longest one, by which Flops counts every sequence. Null (the default): they do not.
    /// </summary>
    public PackedSequences? Packed { get; init; }

    /// <summary>How queries and keys are compared. Default: by their dot product.</summary>
    public Similarity Similarity { get; init; }

    /// <summary>Q and K turn by their positions when they are loaded. Null (the default): they do not, or have been turned
    /// before.</summary>
    public RotaryForm? Rotary { get; init; }

    /// <summary>K and V lie contiguously, sequence by sequence, and have the type of Q.</summary>
    internal bool HasPlainKeys => HasRowsOfQueryType && Packed is null;

    /// <summary>As plain keys, but sequences are packed.</summary>
    internal bool HasPackedPlainKeys => HasRowsOfQueryType && Packed is not null;

    /// <summary>First axis of Q and O, and the rows of their heads.</summary>
    internal int QueryBatch => Packed is null ? Batch : 1;

    /// <inheritdoc cref="QueryBatch"/>
    internal int QueryRows => Packed?.TotalQ ?? SeqQ;

    /// <summary>Rows of Q and K change once they are loaded.</summary>
    internal bool ChangesVectors => Rotary is not null || Similarity != Similarity.DotProduct;

    private bool HasRowsOfQueryType => Kv == KvLayout.Contiguous && KvType == Type && !ChangesVectors;

    /// <summary>Entries of a row of the block table: ceil(seqKv / blockSize).</summary>
    internal int TableColumns => Kv.TableColumns(SeqKv);

    /// <summary>First axis of K and V: the batch, or the blocks.</summary>
    internal int KeyBatch => Kv.IsPaged ? Kv.Blocks : Packed?.TotalKv is null ? Batch : 1;

    /// <summary>Rows of a head of K and V: the keys, or those of a block.</summary>
    internal int KeyRows => Kv.IsPaged ? Kv.BlockSize : Packed?.TotalKv ?? SeqKv;

    /// <summary>First axis of the positions of keys, and the last one.</summary>
    internal int PositionBatch => Packed?.TotalKv is null ? Batch : 1;

    /// <inheritdoc cref="PositionBatch"/>
    internal int PositionRows => Packed?.TotalKv ?? SeqKv;

    /// <summary>The largest key length: seqKv, or any where a ring counts what it no longer holds.</summary>
    internal override int MaxKeyLength => Kv.IsRing ? MaxRows : SeqKv;

    internal override int LseBatch => QueryBatch;

    internal override int LseRows => QueryRows;

    private IEnumerable<string> OwnTensors
    {
        get
        {
            if (Weights) yield return nameof(AttentionTensors.Weights);
            if (Kv.IsPaged) yield return nameof(AttentionTensors.BlockTable);
            if (KvType == DType.Int8) yield return nameof(AttentionTensors.KScales);
            if (KvType == DType.Int8) yield return nameof(AttentionTensors.VScales);
            if (Packed is not null) yield return nameof(AttentionTensors.StartsQ);
            if (Packed?.TotalKv is not null) yield return nameof(AttentionTensors.StartsKv);
            if (Rotary is not null) yield return nameof(AttentionTensors.Cos);
            if (Rotary is not null) yield return nameof(AttentionTensors.Sin);
            if (Rotary is { Positions: true }) yield return nameof(AttentionTensors.PositionsQ);
            if (Rotary is { Positions: true }) yield return nameof(AttentionTensors.PositionsKv);
        }
    }

    private void ValidateKeys()
    {
        if (KvType != DType.Int8 && !KvType.IsFloat())
            throw new ArgumentException($"KvType must be Float32, Float16, BFloat16 or Int8, is {KvType}.", nameof(KvType));
        if (Packed is { } packed)
        {
            ProblemCheck.InRange(packed.TotalQ, SeqQ, MaxRows, "Packed.TotalQ");
            if (packed.TotalKv is { } total)
            {
                ProblemCheck.InRange(total, SeqKv, MaxRows, "Packed.TotalKv");
                if (Kv != KvLayout.Contiguous)
                    throw new ArgumentException($"Packed.TotalKv must be null where Kv = {Kv} says where keys lie.", nameof(Packed));
            }
        }
        if (Similarity is not (Similarity.DotProduct or Similarity.Cosine))
            throw new ArgumentOutOfRangeException(nameof(Similarity), Similarity, $"Similarity is {Similarity}.");
        if (Rotary is { } rotary)
        {
            ProblemCheck.InRange(rotary.RotaryDim, 2, HeadDim, "Rotary.RotaryDim");
            if (rotary.RotaryDim % 2 != 0)
                throw new ArgumentException($"Rotary.RotaryDim must be even, is {rotary.RotaryDim}.", nameof(Rotary));
            ProblemCheck.InRange(rotary.MaxPosition, rotary.Positions || Kv.IsRing ? 1 : SeqKv, MaxRows, "Rotary.MaxPosition");
            if (rotary.Positions && Kv.IsRing)
                throw new ArgumentException("Rotary.Positions must be false where Kv = Ring: it says the keys' positions.", nameof(Rotary));
        }
        if (Kv.IsRing && !KeyLengths)
            throw new ArgumentException("Kv = Ring needs KeyLengths = true: they say how many keys have been written.", nameof(Kv));
        ProblemCheck.Addressable("K", KvType, KeyBatch, HeadsKv, KeyRows, HeadDim);
        ProblemCheck.Addressable("V", KvType, KeyBatch, HeadsKv, KeyRows, HeadDimV);
    }

    private string DescribeKeys() =>
        $"{(KvType == Type ? "" : $", keys {KvType}")}{(Kv == default ? "" : $", keys {Kv}")}"
        + (Similarity == Similarity.Cosine ? ", cosine" : "")
        + (Rotary is not { } rotary ? ""
            : $", rotary {rotary.RotaryDim}{(rotary.Interleaved ? " interleaved" : "")}{(rotary.Positions ? " by positions" : "")}")
        + (Packed is not { } packed ? ""
            : packed.TotalKv is { } total ? $", packed {packed.TotalQ} and {total}"
            : $", queries packed {packed.TotalQ}");
}
