using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The query rows that a lane owns, in registers. Registers cannot be indexed, so many rows are <see cref="Twice{TRows}"/> half as many,
/// down to one <see cref="FlashRow{TTile}"/>. Row r of lane row y is row r * LanesY + y of the tile: the lanes of a warp read
/// neighbouring rows of shared memory, which lie in different banks. Views of shared memory
/// begin at what the lane's first row reads or writes first.
/// </summary>
public interface IFlashRows
{
    static abstract int Count { get; }

    /// <summary>O = 0, m = -inf, l = 0.</summary>
    void Clear();

    void ClearScores();

    /// <summary>S += Q K^T over four elements of the head dim, from sQ [Br][HeadStride].</summary>
    void AddDots(ArrayView<F4> sQ, F4 k0, F4 k1, F4 k2, F4 k3);

    /// <summary>
    /// S = score(S) or, where the row does not see the key, minus infinity; the lane's first query is i, its first key j.
    /// </summary>
    void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule;

    /// <summary>This lane's maximum of each row, to sRow [Br][LanesX].</summary>
    void StoreMaxima(ArrayView<float> sRow);

    /// <summary>The online softmax step, with the maxima of all lanes from sRow; P goes to sP [Br][ScoreStride].</summary>
    void Exponentiate(float log2Factor, ArrayView<F4> sRow, ArrayView<float> sP);

    /// <summary>O += P V over four keys, from sP.</summary>
    void AddWeighted<TMultiply>(
        ArrayView<F4> sP, in FlashValues v0, in FlashValues v1, in FlashValues v2, in FlashValues v3)
        where TMultiply : struct, IMultiply;

    /// <summary>This lane's part of each row's sum, to sRow [Br][LanesX].</summary>
    void StoreSums(ArrayView<float> sRow);

    /// <summary>
    /// Adds the sink, and writes O / l and the log-sum-exp of each row inside the tensor; sRow holds the sums of all lanes.
    /// </summary>
    void Write<T, TElement, TScore>(in FlashOutput<T> output, ArrayView<F4> sRow, int i)
        where T : unmanaged
        where TElement : struct, IElement<T>
        where TScore : struct, IScoreRule;
}

/// <summary>Two blocks of rows, one after the other.</summary>
public struct Twice<TTile, TRows> : IFlashRows
    where TTile : struct, IFlashTile
    where TRows : struct, IFlashRows
{
    public TRows Upper;
    public TRows Lower;

    public static int Count => 2 * TRows.Count;

    /// <summary>Rows of the tile between the two blocks.</summary>
    private static int Step => TRows.Count * FlashTile<TTile>.LanesY;

    public void Clear()
    {
        Upper.Clear();
        Lower.Clear();
    }

    public void ClearScores()
    {
        Upper.ClearScores();
        Lower.ClearScores();
    }

    public void AddDots(ArrayView<F4> sQ, F4 k0, F4 k1, F4 k2, F4 k3)
    {
        Upper.AddDots(sQ, k0, k1, k2, k3);
        Lower.AddDots(sQ.From(Step * FlashTile<TTile>.HeadStride), k0, k1, k2, k3);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        Upper.ApplyScore(score, at, i, j);
        Lower.ApplyScore(score, at, i + Step, j);
    }

    public void StoreMaxima(ArrayView<float> sRow)
    {
        Upper.StoreMaxima(sRow);
        Lower.StoreMaxima(sRow.From(Step * FlashTile<TTile>.LanesX));
    }

    public void Exponentiate(float log2Factor, ArrayView<F4> sRow, ArrayView<float> sP)
    {
        Upper.Exponentiate(log2Factor, sRow, sP);
        Lower.Exponentiate(
            log2Factor, sRow.From(Step * FlashTile<TTile>.RowStride), sP.From(4 * Step * FlashTile<TTile>.ScoreStride));
    }

    public void AddWeighted<TMultiply>(
        ArrayView<F4> sP, in FlashValues v0, in FlashValues v1, in FlashValues v2, in FlashValues v3)
        where TMultiply : struct, IMultiply
    {
        Upper.AddWeighted<TMultiply>(sP, v0, v1, v2, v3);
        Lower.AddWeighted<TMultiply>(sP.From(Step * FlashTile<TTile>.ScoreStride), v0, v1, v2, v3);
    }

    public void StoreSums(ArrayView<float> sRow)
    {
        Upper.StoreSums(sRow);
        Lower.StoreSums(sRow.From(Step * FlashTile<TTile>.LanesX));
    }

    public void Write<T, TElement, TScore>(in FlashOutput<T> output, ArrayView<F4> sRow, int i)
        where T : unmanaged
        where TElement : struct, IElement<T>
        where TScore : struct, IScoreRule
    {
        Upper.Write<T, TElement, TScore>(output, sRow, i);
        Lower.Write<T, TElement, TScore>(output, sRow.From(Step * FlashTile<TTile>.RowStride), i + Step);
    }
}
