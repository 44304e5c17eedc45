namespace AttnKernels.Simd;

/// <summary>
/// O[b, h, i] = sum_p w_p PartsO[p * Batch + b, h, i] and Lse = log sum_p exp(PartsLse[p * Batch + b, h, i]) with w_p = exp(PartsLse -
/// Lse). PartsO (parts * batch, heads, seq, headDim) of type <see cref="TypeParts"/>, O (batch, heads, seq, headDim) of type
/// <see cref="Type"/>; PartsLse (parts * batch, heads, seq), Lse (batch, heads, seq) or null. A part whose PartsLse is -inf contributes
/// nothing.
/// </summary>
public unsafe struct MergeArgs
{
    public int Parts;
    public int Batch;
    public int Heads;
    public int Seq;
    public int HeadDim;
    public DType TypeParts;
    public DType Type;
    public HeadTensor PartsO;
    public HeadTensor O;
    public float* PartsLse;
    public float* Lse;
}
