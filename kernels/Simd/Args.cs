namespace AttnKernels.Simd;

/// <summary>
/// A (batch, head, row, column) tensor: address and strides in elements. The last axis is contiguous; a stride of 0 repeats.
/// </summary>
public unsafe struct HeadTensor
{
    public void* Data;
    public long BatchStride;
    public long HeadStride;
    public long RowStride;
}

/// <summary>
/// A (batch, head, row, column) tensor whose every axis may repeat (stride 0); the column stride is 0 or 1. Data null = absent.
/// </summary>
public unsafe struct BroadcastTensor
{
    public void* Data;
    public long BatchStride;
    public long HeadStride;
    public long RowStride;
    public long ColumnStride;

    internal readonly BroadcastTensor OfBatch(int b, int size)
    {
        BroadcastTensor one = this;
        if (Data != null) one.Data = (byte*)Data + size * b * BatchStride;
        return one;
    }
}

/// <summary>
/// What turns a dot product into a score, in this order: s = Scale * headScale * dot; s = Softcap * tanh(s / Softcap) where Softcap > 0;
/// s += bias - slope * |i + shift - j|; s = -inf where the band, the key length or the mask hides key j from query i.
/// </summary>
public unsafe struct ScoreArgs
{
    public float Scale;
    public float Softcap;
    public KeyBand Band;

    /// <summary>(batch) visible keys of each batch entry, or null: all.</summary>
    public int* KeyLengths;

    /// <summary>Bytes, nonzero = attend.</summary>
    public BroadcastTensor Mask;

    /// <summary>Added to the score; of type <see cref="BiasType"/>.</summary>
    public BroadcastTensor Bias;
    public DType BiasType;

    /// <summary>ALiBi slopes (batch, headsQ), or null.</summary>
    public float* AlibiSlopes;
    public long AlibiBatchStride;

    /// <summary>(headsQ) scores without a key that take part in each row's sum, or null.</summary>
    public float* Sinks;

    /// <summary>(headsQ) factors of the scale, or null.</summary>
    public float* HeadScales;

    /// <summary>(batch, seqQ) and (batch, seqKv), or null: a key is visible where its document is the query's.</summary>
    public int* DocumentsQ;
    public int* DocumentsKv;
    public long DocumentsQStride;
    public long DocumentsKvStride;

    /// <summary>A byte for each block of <see cref="QueryBlock"/> x <see cref="KeyBlock"/> pairs; 0 hides the block.</summary>
    public BroadcastTensor Blocks;
    public int QueryBlock;
    public int KeyBlock;

    /// <summary>The user's own rule, after bias and slope.</summary>
    public ModifierArgs Modifier;

    /// <summary>Whether anything but the band may hide a key.</summary>
    internal readonly bool HidesKeys =>
        Mask.Data != null || Bias.Data != null || DocumentsQ != null || Blocks.Data != null || Modifier.IsPresent;

    /// <summary>The same of batch entry <paramref name="b"/> alone, all of whose keys are visible.</summary>
    internal readonly ScoreArgs OfBatch(int b)
    {
        ScoreArgs one = this;
        one.KeyLengths = null;
        one.Mask = Mask.OfBatch(b, sizeof(byte));
        one.Bias = Bias.OfBatch(b, BiasType.Size());
        one.Blocks = Blocks.OfBatch(b, sizeof(byte));
        one.Modifier.Batch = b;
        if (AlibiSlopes != null) one.AlibiSlopes = AlibiSlopes + b * AlibiBatchStride;
        if (DocumentsQ != null) one.DocumentsQ = DocumentsQ + b * DocumentsQStride;
        if (DocumentsKv != null) one.DocumentsKv = DocumentsKv + b * DocumentsKvStride;
        return one;
    }

    internal readonly float ScaleOf(int head) => HeadScales == null ? Scale : Scale * HeadScales[head];

    internal readonly float SinkOf(int head) => Sinks == null ? float.NegativeInfinity : Sinks[head];

    /// <summary>The bytes of the blocks of a query, by key block.</summary>
    internal readonly byte* BlockRow(int batch, int head, int query) => (byte*)Blocks.Data + batch * Blocks.BatchStride
        + head * Blocks.HeadStride + query / QueryBlock * Blocks.RowStride;
}

/// <summary>
/// How K and V are stored. Where there is a block table, K is (blocks, headsKv, blockSize, headDim), V likewise, and key j of batch entry b
/// lies in row j % blockSize of block BlockTable[b * TableStride + j / blockSize]; otherwise both are (batch, headsKv, seqKv, ..).
/// </summary>
public unsafe struct KeyArgs
{
    /// <summary>Type of K and V; Int8: a value is its integer times the scale of its row.</summary>
    public DType Type;

    /// <summary>Null: contiguous.</summary>
    public int* BlockTable;
    public long TableStride;

    /// <summary>log2(blockSize).</summary>
    public int BlockShift;

    /// <summary>fp32 scales of the rows of K and V, with the axes of K in front of headDim.</summary>
    public HeadTensor KScales;
    public HeadTensor VScales;

    /// <summary>Rows of a ring, of which key 0 lies in row <see cref="RingFirst"/>; 0: no ring.</summary>
    internal int RingRows;
    internal int RingFirst;
}

/// <summary>
/// O = softmax(score(Q K^T)) V. Q (batch, headsQ, seqQ, headDim), K (batch, headsKv, seqKv, headDim),
/// V (batch, headsKv, seqKv, headDimV), O (batch, headsQ, seqQ, headDimV), Q and O of type <see cref="Type"/>, K and V as
/// <see cref="Keys"/> says; Lse (batch, headsQ, seqQ) fp32,
/// natural logarithm, contiguous, or null. A row that sees no key gives O = 0, Lse = -inf. Entries of lengths of their own: see
/// <see cref="SequenceArgs"/>.
/// </summary>
public unsafe struct AttentionArgs
{
    public int Batch;
    public int HeadsQ;
    public int HeadsKv;
    public int SeqQ;
    public int SeqKv;
    public int HeadDim;
    public int HeadDimV;
    public DType Type;
    public HeadTensor Q;
    public HeadTensor K;
    public HeadTensor V;
    public KeyArgs Keys;
    public HeadTensor O;
    public float* Lse;
    public ScoreArgs Score;
    public SequenceArgs Sequences;
    public VectorArgs Vectors;

    /// <summary>The log-sum-exps of a head's rows.</summary>
    internal readonly float* LseOf(int batch, int head) =>
        Lse + ((long)batch * HeadsQ + head) * (Sequences.StartsQ == null ? SeqQ : Sequences.TotalQ);
}

/// <summary>
/// Y = softmax(score(X)) per row, or its logarithm. X and Y (batch, heads, rows, columns), may be the same memory;
/// Lse as in <see cref="AttentionArgs"/>. The row index plays the query's part in the band, the column index the key's.
/// </summary>
public unsafe struct SoftmaxArgs
{
    public int Batch;
    public int Heads;
    public int Rows;
    public int Columns;
    public DType TypeX;
    public DType TypeY;
    public HeadTensor X;
    public HeadTensor Y;
    public float* Lse;
    public bool Log;

    /// <summary>Y = score(X), without a softmax.</summary>
    public bool Scores;
    public ScoreArgs Score;
}

/// <summary>
/// A matrix in a batch of matrices: element (r, c) of batch (b0, b1) lies at b0*Batch0 + b1*Batch1 + r*Row + c*Column elements.
/// </summary>
public unsafe struct MatrixArgs
{
    public void* Data;
    public DType Type;
    public long Batch0Stride;
    public long Batch1Stride;
    public long RowStride;
    public long ColumnStride;
}

/// <summary>
/// C[b0,b1] = f(Alpha * A[b0,b1] B[b0,b1/GroupB] + Beta * C[b0,b1] + Bias), f = <see cref="Activation"/>, with A (M, K), B (K, N), C (M, N)
/// at any strides (a transposed operand is one whose strides are swapped) and Bias (N) of type <see cref="BiasType"/> or null. C is not
/// read where Beta = 0.
/// </summary>
public unsafe struct MatmulArgs
{
    public int Batch0;
    public int Batch1;
    public int GroupB;
    public int M;
    public int N;
    public int K;
    public MatrixArgs A;
    public MatrixArgs B;
    public MatrixArgs C;
    public void* Bias;
    public DType BiasType;
    public float Alpha;
    public float Beta;
    public Activation Activation;

    /// <summary>
    /// An element of A that is exactly 0 contributes nothing, even where B holds NaN or infinity (attention weights of masked keys).
    /// </summary>
    public bool SkipZeroA;
}
