using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>16 columns of a warp's rows, whose one or two squares share every load of K and V.</summary>
public struct TensorColumn<TFormat, TTile> : ITensorColumns<TFormat>
    where TFormat : struct, ITensorFormat
    where TTile : struct, ITensorTile
{
    private TensorSquare<TFormat> top, bottom;

    public static int Columns => 16;

    public static void Multiply<TScores>(ref TScores s, in LaneTile sQ, in LaneTile sK, int chunk)
        where TScores : struct, ITensorColumns<TFormat>
    {
        TensorOperand q = TFormat.Operand(sQ.Load(0, chunk));
        TensorOperand below = default;
        if (TTile.RowBlocks > 1) below = TFormat.Operand(sQ.Load(16, chunk));
        s.AddDots(q, below, sK, 0, chunk);
    }

    public void AddDots(in TensorOperand q, in TensorOperand below, in LaneTile sK, int row, int chunk) =>
        Add(q, below, sK.Load(row, chunk));

    public void AddTo<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TFormat> => AddFirst(ref output, sV, row);

    public void AddFirst<TOutput>(ref TOutput output, in LaneTile sV, int row)
        where TOutput : struct, ITensorColumns<TFormat>
    {
        TensorOperand below = default;
        if (TTile.RowBlocks > 1) below = bottom.Weights();
        output.AddValues(top.Weights(), below, sV, row, 0);
    }

    public readonly void FirstColumns(ref F4 first, ref F4 below)
    {
        first = top.First;
        if (TTile.RowBlocks > 1) below = bottom.First;
    }

    public void MoveLeft(F4 last, F4 below)
    {
        top.MoveLeft(last);
        if (TTile.RowBlocks > 1) bottom.MoveLeft(below);
    }

    public void AddValues(in TensorOperand p, in TensorOperand below, in LaneTile sV, int row, int chunk) =>
        Add(p, below, TFormat.LoadValues(sV, row, chunk));

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

    public void Store(int block, ArrayView<uint> sWords, int upper, int lower, int word, int swizzle)
    {
        if (block == 0) top.Store(sWords, upper, lower, word, swizzle);
        else bottom.Store(sWords, upper, lower, word, swizzle);
    }

    public void Store(int block, LanePart upper, LanePart lower, int column)
    {
        if (block == 0) top.Store(upper, lower, column);
        else bottom.Store(upper, lower, column);
    }

    public LaneRows Weight(int key)
    {
        LaneRows p = default;
        p.Top = top.Weight(key);
        if (TTile.RowBlocks > 1) p.Bottom = bottom.Weight(key);
        return p;
    }

    public void AddVisible<TScores>(ref TScores p, ArrayView<U4> sV, int chunk, int chunks)
        where TScores : struct, ITensorColumns<TFormat>
    {
        for (int key = 0; key < TScores.Columns; key++)
        {
            LaneRows weights = p.Weight(key);
            F4 values = TFormat.ValueRow(sV, key, chunk, chunks);
            top.AddWeighted(weights.Top, values);
            if (TTile.RowBlocks > 1) bottom.AddWeighted(weights.Bottom, values);
        }
    }

    private void Add(in TensorOperand a, in TensorOperand below, U4 bits)
    {
        TensorOperand b = TFormat.Operand(bits);
        top.Multiply(a, b);
        if (TTile.RowBlocks > 1) bottom.Multiply(below, b);
    }
}
