namespace AttnKernels;

/// <summary>
/// Writes new rows into a key or value cache, in place: cache[b, h, start_b + r] = update[b, h, r], in any layout that attention reads,
/// converted or quantised where the cache has another type. Cache (batch, heads, capacity, headDim), or (blocks, heads, blockSize, headDim)
/// where it is paged; update (batch, heads, rows, headDim). Immutable; equal problems compare equal.
/// </summary>
public sealed record CacheAppendProblem : IProblem
{
    private readonly DType? cacheType;

    /// <summary>Batch entries. Default 1.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Key/value heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Rows that the cache holds for each batch entry and head: attention's SeqKv.</summary>
    public required int Capacity { get; init; }

    /// <summary>New rows for each head, at most the capacity.</summary>
    public required int Rows { get; init; }

    /// <summary>Elements of a row.</summary>
    public required int HeadDim { get; init; }

    /// <summary>Type of the update. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>
    /// Type of the cache: a floating-point type, to which elements are rounded, or Int8, where Run also receives the scales. There
    /// scale = max |x| / 127 of a row, and an element becomes x / scale, rounded to nearest even; a row that holds an infinity or a NaN
    /// gets the scale NaN. Default: Type.
    /// </summary>
    public DType CacheType
    {
        get => cacheType ?? Type;
        init => cacheType = value;
    }

    /// <summary>
    /// How the cache lies in memory; Run receives a block table where it is paged. In a ring rows past the end continue at the beginning;
    /// elsewhere they must fit. Default: contiguous.
    /// </summary>
    public KvLayout Kv { get; init; }

    /// <summary>
    /// Run receives the row at which each batch entry starts, Int32 (batch): with the new rows at most the capacity, or, of a ring, where
    /// they count all rows written before, at most 2^29, attention's largest key length. Otherwise all start at 0.
    /// </summary>
    public bool Starts { get; init; }

    /// <summary>A comparison and a quotient per element that is quantised; rows that are copied or converted need none.</summary>
    public double Flops => CacheType == DType.Int8 ? 2.0 * Batch * Heads * Rows * HeadDim : 0;

    /// <summary>Memory traffic in bytes: the update read and written once, and its scales.</summary>
    public double Bytes =>
        (double)Batch * Heads * Rows * ((HeadDim * (Type.Size() + CacheType.Size())) + (CacheType == DType.Int8 ? sizeof(float) : 0));

    /// <summary>The last row at which an entry may start.</summary>
    internal int MaxStart => (Kv.IsRing ? ScoreProblem.MaxRows : Capacity) - Rows;

    /// <summary>First axis of the cache: the batch, or the blocks.</summary>
    internal int CacheBatch => Kv.IsPaged ? Kv.Blocks : Batch;

    /// <summary>Rows of a head of the cache, or of a block.</summary>
    internal int CacheRows => Kv.IsPaged ? Kv.BlockSize : Capacity;

    /// <summary>Entries of a row of the block table.</summary>
    internal int TableColumns => Kv.TableColumns(Capacity);

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(Heads);
        ProblemCheck.Positive(Capacity);
        ProblemCheck.Positive(HeadDim);
        ProblemCheck.InRange(Rows, 1, Math.Min(Capacity, Kv.IsRing ? ScoreProblem.MaxRows : Capacity), nameof(Rows));
        ProblemCheck.Float(Type);
        if (CacheType != DType.Int8 && !CacheType.IsFloat())
            throw new ArgumentException($"CacheType must be Float32, Float16, BFloat16 or Int8, is {CacheType}.", nameof(CacheType));
        ProblemCheck.Addressable("Cache", CacheType, CacheBatch, Heads, CacheRows, HeadDim);
    }

    /// <summary>One line: "append 1 to 4096 rows, B1 H8 D128 Float16 to Int8, Paged(16, 256)".</summary>
    public override string ToString() =>
        $"append {Rows} to {Capacity} rows, B{Batch} H{Heads} D{HeadDim} {Type}" +
        $"{(CacheType == Type ? "" : $" to {CacheType}")}{(Kv == default ? "" : $", {Kv}")}";
}
