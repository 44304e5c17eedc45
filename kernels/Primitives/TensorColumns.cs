using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A warp's rows of S or O, in registers: a multiple of 16 columns. Registers cannot be indexed, so many columns are
/// <see cref="BothColumns{TFormat, TLeft, TRight}"/> of fewer, down to the 16 of a <see cref="TensorColumn{TFormat, TTile}"/>. A warp has
/// 16 rows, or 32 in two blocks of 16: "below" is then an operand of the second.
/// </summary>
public interface ITensorColumns<TFormat>
    where TFormat : struct, ITensorFormat
{
    static abstract int Columns { get; }

    /// <summary>
    /// S += Q K^T over a fragment's depth of the head dim for each 16 columns, from <paramref name="chunk"/> on.
    /// </summary>
    static abstract void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TFormat>;

    /// <summary>S += Q K^T over two chunks of the head dim: K from row <paramref name="row"/> on.</summary>
    void AddDots(in TensorOperand q, in TensorOperand below, in LaneTile sK, int row, int chunk);

    /// <summary>S = score(S), or minus infinity where row i does not see key j; i and j are those of the lane's first element.</summary>
    void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule;

    void Max(ref LaneRows max);

    /// <summary>P = exp2(factor S - m) in place; its sums are added to l.</summary>
    void Exponentiate(LaneRows m, float factor, ref LaneRows l);

    /// <summary>
    /// O += P V: these columns are P, of which each 16 give a fragment's depth, and sV holds V from row <paramref name="row"/> on.
    /// </summary>
    void AddTo<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TFormat>;

    /// <summary>O += P V over a fragment's depth of keys, the first of P.</summary>
    void AddFirst<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TFormat>;

    /// <summary>The first 8 columns, of the second block of rows, too.</summary>
    void FirstColumns(ref F4 first, ref F4 below);

    /// <summary>Every 8 columns become those to their left, and the last ones what is given.</summary>
    void MoveLeft(F4 last, F4 below);

    /// <summary>O += P V over the keys of a fragment of P.</summary>
    void AddValues(in TensorOperand p, in TensorOperand below, in LaneTile sV, int row, int chunk);

    void Scale(LaneRows factor);

    /// <summary>Stores 16 rows, those of a block, to shared memory as <see cref="TensorSquare{TFormat}"/> does.</summary>
    void Store(int block, ArrayView<uint> sWords, int upper, int lower, int word, int swizzle);

    /// <summary>Stores the floats of 16 rows, those of a block, as <see cref="TensorSquare{TFormat}"/> does.</summary>
    void Store(int block, LanePart upper, LanePart lower, int column);

    /// <summary>
    /// O += P V of these columns, where a weight of 0 hides its value: key by key, not fast.
    /// </summary>
    void AddVisible<TScores>(ref TScores p, ArrayView<U4> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TFormat>;

    /// <summary>P of one key in the lane's rows, whichever lane holds it. All lanes of the warp together, with the same key.</summary>
    LaneRows Weight(int key);
}

/// <summary>Two blocks of columns side by side.</summary>
public struct BothColumns<TFormat, TLeft, TRight> : ITensorColumns<TFormat>
    where TFormat : struct, ITensorFormat
    where TLeft : struct, ITensorColumns<TFormat>
    where TRight : struct, ITensorColumns<TFormat>
{
    public TLeft Left;
    public TRight Right;

    public static int Columns => TLeft.Columns + TRight.Columns;

    public static void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TFormat>
    {
        TLeft.Multiply(ref s, sQ, sK, chunk);
        TRight.Multiply(ref s, sQ, sK, chunk + TLeft.Columns / TFormat.PerChunk);
    }

    public void AddDots(in TensorOperand q, in TensorOperand below, in LaneTile sK, int row, int chunk)
    {
        Left.AddDots(q, below, sK, row, chunk);
        Right.AddDots(q, below, sK, row + TLeft.Columns, chunk);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        Left.ApplyScore(score, at, i, j);
        Right.ApplyScore(score, at, i, j + TLeft.Columns);
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
        where TOutput : struct, ITensorColumns<TFormat>
    {
        Left.AddTo(ref output, sV, row);
        Right.AddTo(ref output, sV, row + TLeft.Columns);
    }

    public void AddFirst<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TFormat> => Left.AddFirst(ref output, sV, row);

    public readonly void FirstColumns(ref F4 first, ref F4 below) => Left.FirstColumns(ref first, ref below);

    public void MoveLeft(F4 last, F4 below)
    {
        F4 middle = default, middleBelow = default;
        Right.FirstColumns(ref middle, ref middleBelow);
        Left.MoveLeft(middle, middleBelow);
        Right.MoveLeft(last, below);
    }

    public void AddValues(in TensorOperand p, in TensorOperand below, in LaneTile sV, int row, int chunk)
    {
        Left.AddValues(p, below, sV, row, chunk);
        Right.AddValues(p, below, sV, row, chunk + TLeft.Columns / TFormat.PerChunk);
    }

    public void Scale(LaneRows factor)
    {
        Left.Scale(factor);
        Right.Scale(factor);
    }

    public void Store(int block, ArrayView<uint> sWords, int upper, int lower, int word, int swizzle)
    {
        Left.Store(block, sWords, upper, lower, word, swizzle);
        Right.Store(block, sWords, upper, lower, word + 4 * TLeft.Columns / TFormat.PerChunk, swizzle);
    }

    public void Store(int block, LanePart upper, LanePart lower, int column)
    {
        Left.Store(block, upper, lower, column);
        Right.Store(block, upper, lower, column + TLeft.Columns);
    }

    public void AddVisible<TScores>(ref TScores p, ArrayView<U4> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TFormat>
    {
        Left.AddVisible(ref p, sV, chunk, chunks);
        Right.AddVisible(ref p, sV, chunk + TLeft.Columns / TFormat.PerChunk, chunks);
    }

    public LaneRows Weight(int key)
    {
        if (key < TLeft.Columns) return Left.Weight(key);
        return Right.Weight(key - TLeft.Columns);
    }
}
