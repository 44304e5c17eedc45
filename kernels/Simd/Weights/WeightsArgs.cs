namespace AttnKernels.Simd;

/// <summary>
/// P = exp(score(q K^T) - LSE) for chosen rows: row n of P (rows, seqKv) is that of batch entry, head and query Rows[n * RowsStride + 0
/// .. 2].
/// </summary>
public unsafe struct WeightsArgs
{
    /// <summary>What was run. V and O are not used, Lse is read.</summary>
    public AttentionArgs Attention;
    public int Count;
    public int* Rows;
    public long RowsStride;
    public float* P;
    public long PStride;
}
