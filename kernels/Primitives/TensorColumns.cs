using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A warp's rows of S or O, in registers: a multiple of 16 columns. Registers cannot be indexed, so many columns are
/// <see cref="BothColumns{TElement, TColumns}"/> half as many, down to the 16 of a <see cref="TensorColumn{TElement, TTile}"/>. A warp has
/// 16 rows, or 32 in two blocks of 16: "below" is then an operand of the second.
/// </summary>
public interface ITensorColumns<TElement>
    where TElement : struct, ITensorElement
{
    static abstract int Columns { get; }

    /// <summary>S += Q K^T over as many elements of the head dim as there are columns, from <paramref name="chunk"/> on.</summary>
    static abstract void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TElement>;

    /// <summary>S += Q K^T over 16 elements of the head dim: K from row <paramref name="row"/> on.</summary>
    void AddDots(U4 q, U4 below, in LaneTile sK, int row, int chunk);

    /// <summary>S = score(S), or minus infinity where row i does not see key j; i and j are those of the lane's first element.</summary>
    void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule;

    void Max(ref LaneRows max);

    /// <summary>P = exp2(factor S - m) in place; its sums are added to l.</summary>
    void Exponentiate(LaneRows m, float factor, ref LaneRows l);

    /// <summary>O += P V: these columns are P, and sV holds V from row <paramref name="row"/> on.</summary>
    void AddTo<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TElement>;

    /// <summary>O += P V over 16 keys: p is the fragment of P.</summary>
    void AddValues(U4 p, U4 below, in LaneTile sV, int row, int chunk);

    void Scale(LaneRows factor);

    /// <summary>Stores 16 rows, those of a block, as <see cref="TensorSquare{TElement}.Store"/> does.</summary>
    void Store(int block, ArrayView<uint> sPairs, int upper, int lower, int column, int swizzle);

    /// <summary>
    /// O += P V of these columns, where a weight of 0 hides its value: key by key, not fast. <paramref name="sV"/> is V as pairs of
    /// elements.
    /// </summary>
    void AddVisible<TScores>(ref TScores p, ArrayView<uint> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement>;

    /// <summary>P of one key in the lane's rows, whichever lane holds it. All lanes of the warp together, with the same key.</summary>
    LaneRows Weight(int key);
}

/// <summary>Two blocks of columns side by side.</summary>
public struct BothColumns<TElement, TColumns> : ITensorColumns<TElement>
    where TElement : struct, ITensorElement
    where TColumns : struct, ITensorColumns<TElement>
{
    public TColumns Left, Right;

    public static int Columns => 2 * TColumns.Columns;

    public static void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TElement>
    {
        TColumns.Multiply(ref s, sQ, sK, chunk);
        TColumns.Multiply(ref s, sQ, sK, chunk + TColumns.Columns / 8);
    }

    public void AddDots(U4 q, U4 below, in LaneTile sK, int row, int chunk)
    {
        Left.AddDots(q, below, sK, row, chunk);
        Right.AddDots(q, below, sK, row + TColumns.Columns, chunk);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        Left.ApplyScore(score, at, i, j);
        Right.ApplyScore(score, at, i, j + TColumns.Columns);
    }

    public void Max(ref LaneRows max)
    {
        Left.Max(ref max);
        Right.Max(ref max);
    }

    public void Exponentiate(LaneRows m, float factor, ref LaneRows l)
    {
        Left.Exponentiate(m, factor, ref l);
        Right.Exponentiate(m, factor, ref l);
    }

    public void AddTo<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TElement>
    {
        Left.AddTo(ref output, sV, row);
        Right.AddTo(ref output, sV, row + TColumns.Columns);
    }

    public void AddValues(U4 p, U4 below, in LaneTile sV, int row, int chunk)
    {
        Left.AddValues(p, below, sV, row, chunk);
        Right.AddValues(p, below, sV, row, chunk + TColumns.Columns / 8);
    }

    public void Scale(LaneRows factor)
    {
        Left.Scale(factor);
        Right.Scale(factor);
    }

    public void Store(int block, ArrayView<uint> sPairs, int upper, int lower, int column, int swizzle)
    {
        Left.Store(block, sPairs, upper, lower, column, swizzle);
        Right.Store(block, sPairs, upper, lower, column + TColumns.Columns / 2, swizzle);
    }

    public void AddVisible<TScores>(ref TScores p, ArrayView<uint> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement>
    {
        Left.AddVisible(ref p, sV, chunk, chunks);
        Right.AddVisible(ref p, sV, chunk + TColumns.Columns / 8, chunks);
    }

    public LaneRows Weight(int key)
    {
        if (key < TColumns.Columns) return Left.Weight(key);
        return Right.Weight(key - TColumns.Columns);
    }
}
