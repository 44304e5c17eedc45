using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A warp's 16 rows of S or O, in registers: a multiple of 16 columns. Registers cannot be indexed, so many columns are
/// <see cref="BothColumns{TElement, TColumns}"/> half as many, down to the 16 of a <see cref="TensorColumn{TElement}"/>. Lane 4 r + t holds rows r ("upper")
/// and r + 8 ("lower"), columns 2t and 2t + 1 of every 8.
/// </summary>
public interface ITensorColumns<TElement>
    where TElement : struct, ITensorElement
{
    static abstract int Columns { get; }

    void Clear();

    void Scale(float upper, float lower);

    /// <summary>S += Q K^T over 16 elements of the head dim: q is the fragment of Q, sK holds K from row <paramref name="row"/> on.</summary>
    void AddDots(U4 q, ArrayView<U4> sK, int offset, int row, int chunk, int chunks);

    /// <summary>S = score(S), or minus infinity where row i does not see key j; i and j are those of the lane's first element.</summary>
    void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule;

    void Max(ref float upper, ref float lower);

    /// <summary>P = exp(S - m) in place; its sums are added to l.</summary>
    void Exponentiate(float mUpper, float mLower, float log2Factor, ref float lUpper, ref float lLower);

    /// <summary>O += P V: these columns are P, and sV holds V from row <paramref name="row"/> on.</summary>
    void AddTo<TOutput>(ref TOutput output, ArrayView<U4> sV, int offset, int row, int chunks)
        where TOutput : struct, ITensorColumns<TElement>;

    /// <summary>O += P V over 16 keys: p is the fragment of P.</summary>
    void AddValues(U4 p, ArrayView<U4> sV, int offset, int row, int chunk, int chunks);

    /// <summary>
    /// P as 16-bit pairs to sP [Br][Bc / 2], whose rows begin at upper and lower: the lane's first pair is <paramref name="column"/>, and
    /// pair c lies at c ^ <paramref name="swizzle"/>.
    /// </summary>
    void StoreWeights(ArrayView<uint> sP, int upper, int lower, int column, int swizzle);

    /// <summary>O += p V over one key, where a weight of 0 hides the value.</summary>
    void AddWeighted(float upper, float lower, ArrayView<uint> sV, int offset, int row, int chunk, int chunks);

    /// <summary>Stores O's elements of one row from column <paramref name="column"/> on: the upper or the lower row.</summary>
    void Write(in HeadView<ushort> o, long row, int column, int columns, bool isLower);
}

/// <summary>Two blocks of columns side by side.</summary>
public struct BothColumns<TElement, TColumns> : ITensorColumns<TElement>
    where TElement : struct, ITensorElement
    where TColumns : struct, ITensorColumns<TElement>
{
    public TColumns Left, Right;

    public static int Columns => 2 * TColumns.Columns;

    public void Clear()
    {
        Left.Clear();
        Right.Clear();
    }

    public void Scale(float upper, float lower)
    {
        Left.Scale(upper, lower);
        Right.Scale(upper, lower);
    }

    public void AddDots(U4 q, ArrayView<U4> sK, int offset, int row, int chunk, int chunks)
    {
        Left.AddDots(q, sK, offset, row, chunk, chunks);
        Right.AddDots(q, sK, offset, row + TColumns.Columns, chunk, chunks);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        Left.ApplyScore(score, at, i, j);
        Right.ApplyScore(score, at, i, j + TColumns.Columns);
    }

    public void Max(ref float upper, ref float lower)
    {
        Left.Max(ref upper, ref lower);
        Right.Max(ref upper, ref lower);
    }

    public void Exponentiate(float mUpper, float mLower, float log2Factor, ref float lUpper, ref float lLower)
    {
        Left.Exponentiate(mUpper, mLower, log2Factor, ref lUpper, ref lLower);
        Right.Exponentiate(mUpper, mLower, log2Factor, ref lUpper, ref lLower);
    }

    public void AddTo<TOutput>(ref TOutput output, ArrayView<U4> sV, int offset, int row, int chunks)
        where TOutput : struct, ITensorColumns<TElement>
    {
        Left.AddTo(ref output, sV, offset, row, chunks);
        Right.AddTo(ref output, sV, offset, row + TColumns.Columns, chunks);
    }

    public void AddValues(U4 p, ArrayView<U4> sV, int offset, int row, int chunk, int chunks)
    {
        Left.AddValues(p, sV, offset, row, chunk, chunks);
        Right.AddValues(p, sV, offset, row, chunk + TColumns.Columns / 8, chunks);
    }

    public void StoreWeights(ArrayView<uint> sP, int upper, int lower, int column, int swizzle)
    {
        Left.StoreWeights(sP, upper, lower, column, swizzle);
        Right.StoreWeights(sP, upper, lower, column + TColumns.Columns / 2, swizzle);
    }

    public void AddWeighted(float upper, float lower, ArrayView<uint> sV, int offset, int row, int chunk, int chunks)
    {
        Left.AddWeighted(upper, lower, sV, offset, row, chunk, chunks);
        Right.AddWeighted(upper, lower, sV, offset, row, chunk + TColumns.Columns / 8, chunks);
    }

    public void Write(in HeadView<ushort> o, long row, int column, int columns, bool isLower)
    {
        Left.Write(o, row, column, columns, isLower);
        Right.Write(o, row, column + TColumns.Columns, columns, isLower);
    }
}
