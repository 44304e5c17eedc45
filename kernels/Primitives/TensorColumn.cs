using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>16 columns of a warp's rows, whose one or two squares share every load of K and V.</summary>
public struct TensorColumn<TElement, TTile> : ITensorColumns<TElement>
    where TElement : struct, ITensorElement
    where TTile : struct, ITensorTile
{
    private TensorSquare<TElement> top, bottom;

    public static int Columns => 16;

    public static void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TElement>
    {
        U4 q = sQ.Load(0, chunk);
        U4 below = default;
        if (TTile.RowBlocks > 1) below = sQ.Load(16, chunk);
        s.AddDots(q, below, sK, 0, chunk);
    }

    public void AddDots(U4 q, U4 below, in LaneTile sK, int row, int chunk) => Add(q, below, sK.Load(row, chunk));

    public void AddTo<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TElement>
    {
        U4 below = default;
        if (TTile.RowBlocks > 1) below = bottom.Operand();
        output.AddValues(top.Operand(), below, sV, row, 0);
    }

    public void AddValues(U4 p, U4 below, in LaneTile sV, int row, int chunk) => Add(p, below, sV.LoadTransposed(row, chunk));

    public void Scale(LaneRows factor)
    {
        top.Scale(factor.Top);
        if (TTile.RowBlocks > 1) bottom.Scale(factor.Bottom);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        top.ApplyScore(score, at, i, j);
        if (TTile.RowBlocks > 1) bottom.ApplyScore(score, at, i + 16, j);
    }

    public void Max(ref LaneRows max)
    {
        top.Max(ref max.Top);
        if (TTile.RowBlocks > 1) bottom.Max(ref max.Bottom);
    }

    public void Exponentiate(LaneRows m, float factor, ref LaneRows l)
    {
        top.Exponentiate(m.Top, factor, ref l.Top);
        if (TTile.RowBlocks > 1) bottom.Exponentiate(m.Bottom, factor, ref l.Bottom);
    }

    public void Store(int block, ArrayView<uint> sPairs, int upper, int lower, int column, int swizzle)
    {
        if (block == 0) top.Store(sPairs, upper, lower, column, swizzle);
        else bottom.Store(sPairs, upper, lower, column, swizzle);
    }

    public LaneRows Weight(int key)
    {
        LaneRows p = default;
        p.Top = top.Weight(key);
        if (TTile.RowBlocks > 1) p.Bottom = bottom.Weight(key);
        return p;
    }

    public void AddVisible<TScores>(ref TScores p, ArrayView<uint> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TElement>
    {
        int t = Group.IdxX & 3;
        for (int key = 0; key < TScores.Columns; key++)
        {
            LaneRows weights = p.Weight(key);
            uint left = sV[4 * SwizzledTile.Index(key, chunk, chunks) + t];
            uint right = sV[4 * SwizzledTile.Index(key, chunk + 1, chunks) + t];
            top.AddWeighted(weights.Top, left, right);
            if (TTile.RowBlocks > 1) bottom.AddWeighted(weights.Bottom, left, right);
        }
    }

    private void Add(U4 a, U4 below, U4 b)
    {
        top.Multiply(a, b);
        if (TTile.RowBlocks > 1) bottom.Multiply(below, b);
    }
}
