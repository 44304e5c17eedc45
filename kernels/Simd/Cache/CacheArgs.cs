namespace AttnKernels.Simd;

/// <summary>
/// Rotary embedding: X and Y (batch, heads, seq, headDim) of type <see cref="Type"/>, may be the same memory; Cos and Sin (batch, row, rotaryDim / 2) of type
/// <see cref="AngleType"/>, their head stride unused; Positions (batch, seq) or null: row s. The pair (a, b) becomes (a cos - b sin, b cos + a sin).
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
/// Cache[b, h, Starts[b] + r] = Update[b, h, r], modulo Capacity; Cache (batch, heads, capacity, dim), Update (batch, heads, rows, dim), both of
/// type <see cref="Type"/>; Starts (batch) or null: 0.
/// </summary>
public unsafe struct CacheAppendArgs
{
    public int Batch;
    public int Heads;
    public int Capacity;
    public int Rows;
    public int Dim;
    public DType Type;
    public HeadTensor Cache;
    public HeadTensor Update;
    public int* Starts;
}
