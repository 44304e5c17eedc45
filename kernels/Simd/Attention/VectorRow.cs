namespace AttnKernels.Simd;

/// <summary>
/// What happens to a row of Q or K before the dot product: its first RotaryDim elements turn by the angles of its position, as in
/// <see cref="RotaryArgs"/>, and it is divided by its length.
/// </summary>
public unsafe struct VectorArgs
{
    /// <summary>Rows are divided by their Euclidean length; a row of zeros stays one.</summary>
    public bool IsCosine;

    /// <summary>0: none.</summary>
    public int RotaryDim;
    public bool Interleaved;

    /// <summary>Rows of the tables; a position outside gives NaN.</summary>
    public int MaxPosition;

    /// <summary>fp32 (MaxPosition, rotaryDim / 2).</summary>
    public float* Cos;
    public float* Sin;
    public long CosStride;
    public long SinStride;

    /// <summary>
    /// (batch, seqQ) and (batch, seqKv), or (TotalQ) and (totalKv) where they are packed; or null: a key's position is its index, a query's
    /// that of its aligned key.
    /// </summary>
    public int* PositionsQ;
    public int* PositionsKv;
    public long PositionsQStride;
    public long PositionsKvStride;

    /// <summary>The position of key 0.</summary>
    internal int FirstPosition;

    internal readonly bool ArePresent => IsCosine || RotaryDim > 0;

    internal readonly int OfQuery(int batch, int query, int shift) =>
        PositionsQ == null ? FirstPosition + query + shift : PositionsQ[batch * PositionsQStride + query];

    internal readonly int OfKey(int batch, int key) =>
        PositionsKv == null ? FirstPosition + key : PositionsKv[batch * PositionsKvStride + key];
}

/// <summary>Rows of Q or K, widened to fp32, before the dot product.</summary>
internal static unsafe class VectorRow<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>Turns and normalises a row in place; its memory is a multiple of the width long.</summary>
    public static void Apply(in VectorArgs vectors, float* row, int columns, int position)
    {
        if (vectors.RotaryDim > 0) Turn(vectors, row, position);
        if (!vectors.IsCosine) return;
        float squares = SumOfSquares(row, columns);
        Rows<W, V>.Multiply(row, squares > 0 ? 1 / MathF.Sqrt(squares) : 0, (int)Scratch.Align(columns));
    }

    /// <summary>The keys from <paramref name="key"/> on, <paramref name="step"/> floats apart.</summary>
    public static void ApplyToKeys(in VectorArgs vectors, int batch, int key, int count, int columns, float* rows, nint step)
    {
        for (int j = 0; j < count; j++) Apply(vectors, rows + j * step, columns, vectors.OfKey(batch, key + j));
    }

    private static void Turn(in VectorArgs vectors, float* row, int position)
    {
        if ((uint)position >= (uint)vectors.MaxPosition)
        {
            new Span<float>(row, vectors.RotaryDim).Fill(float.NaN);
            return;
        }

        byte* cos = (byte*)(vectors.Cos + position * vectors.CosStride);
        byte* sin = (byte*)(vectors.Sin + position * vectors.SinStride);
        RotaryHead<W, V, Float32Element, Float32Element>.Turn((byte*)row, (byte*)row, cos, sin, vectors.RotaryDim / 2, vectors.Interleaved);
    }

    private static float SumOfSquares(float* row, int columns)
    {
        V sum = W.Zero;
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) sum = W.Fma(W.Load(row + c), W.Load(row + c), sum);
        float squares = W.SumAcross(sum);
        for (; c < columns; c++) squares += row[c] * row[c];
        return squares;
    }
}
