using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>A warp's 16 rows of Q, in registers: A fragments of 16 columns each.</summary>
public interface ITensorQueries<TElement>
    where TElement : struct, ITensorElement
{
    static abstract int Columns { get; }

    void Load(ArrayView<U4> sQ, int row, int chunk, int chunks);

    /// <summary>S += Q K^T.</summary>
    void AddDots<TScores>(ref TScores scores, ArrayView<U4> sK, int offset, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement>;
}

/// <summary>16 columns.</summary>
public struct TensorQuery<TElement> : ITensorQueries<TElement>
    where TElement : struct, ITensorElement
{
    private U4 q;

    public static int Columns => 16;

    public void Load(ArrayView<U4> sQ, int row, int chunk, int chunks)
    {
        // Matrices: rows 0-7 and 8-15 of columns 0-7, then of columns 8-15.
        int lane = Group.IdxX & 31;
        q = TensorCore.LoadMatrices(sQ, SwizzledTile.Index(row + (lane & 15), chunk + (lane >> 4), chunks));
    }

    public void AddDots<TScores>(ref TScores scores, ArrayView<U4> sK, int offset, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement> => scores.AddDots(q, sK, offset, 0, chunk, chunks);
}

/// <summary>Two blocks of columns side by side.</summary>
public struct BothQueries<TElement, TQueries> : ITensorQueries<TElement>
    where TElement : struct, ITensorElement
    where TQueries : struct, ITensorQueries<TElement>
{
    public TQueries Left, Right;

    public static int Columns => 2 * TQueries.Columns;

    public void Load(ArrayView<U4> sQ, int row, int chunk, int chunks)
    {
        Left.Load(sQ, row, chunk, chunks);
        Right.Load(sQ, row, chunk + TQueries.Columns / 8, chunks);
    }

    public void AddDots<TScores>(ref TScores scores, ArrayView<U4> sK, int offset, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement>
    {
        Left.AddDots(ref scores, sK, offset, chunk, chunks);
        Right.AddDots(ref scores, sK, offset, chunk + TQueries.Columns / 8, chunks);
    }
}
