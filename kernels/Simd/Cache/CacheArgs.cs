namespace AttnKernels.Simd;

/// <summary>
/// Rotary embedding: X and Y (batch, heads, seq, headDim) of type <see cref="Type"/>, may be the same memory; Cos and Sin (batch, row,
/// rotaryDim / 2) of type <see cref="AngleType"/>, their head stride unused; Positions (batch, seq) or null: row s. The pair (a, b) becomes
/// (a cos - b sin, b cos + a sin).
/// </summary>
public unsafe struct RotaryArgs
{
    public int Batch;
    public int Heads;
    public int Seq;
    public int HeadDim;
    public int RotaryDim;
    public bool Interleaved;
    public DType Type;
    public DType AngleType;
    public HeadTensor X;
    public HeadTensor Y;
    public HeadTensor Cos;
    public HeadTensor Sin;
    public int* Positions;
}

/// <summary>
/// Cache[b, h, Starts[b] + r] = Update[b, h, r], modulo Capacity; Cache (batch, heads, capacity, dim), or, where there is a block table,
/// (blocks, heads, blockSize, dim), as in <see cref="KeyArgs"/>; Update (batch, heads, rows, dim); Starts (batch) or null: 0.
/// </summary>
public unsafe struct CacheAppendArgs
{
    public int Batch;
    public int Heads;
    public int Capacity;
    public int Rows;
    public int Dim;

    /// <summary>Of the update.</summary>
    public DType Type;

    /// <summary>Of the cache: any floating-point type, or Int8, whose rows have a scale each.</summary>
    public DType CacheType;
    public HeadTensor Cache;
    public HeadTensor Scales;
    public HeadTensor Update;
    public int* Starts;
    public int* BlockTable;
    public long TableStride;

    /// <summary>log2(blockSize).</summary>
    public int BlockShift;
}
