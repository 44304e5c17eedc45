using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What RotaryEmbedding receives. X and Y (batch, heads, seq, headDim), may be the same memory in the same layout.</summary>
public struct RotaryArgs<T>
    where T : unmanaged
{
    public HeadView<T> X, Y;

    /// <summary>
    /// cos and sin of the angles, (batch, row, rotaryDim / 2): row s of batch b for token (b, s), or the row of its position.
    /// </summary>
    public FloatView Cos, Sin;
    public long CosOffset, CosBatchStride, CosRowStride, SinOffset, SinBatchStride, SinRowStride;

    /// <summary>(batch, seq), read where <see cref="HasPositions"/> is 1; each in 0 .. MaxPosition-1.</summary>
    public ArrayView<int> Positions;
    public long PositionsOffset;
    public int HasPositions, MaxPosition;

    public int Batch, Heads, Seq, HeadDim, RotaryDim;

    /// <summary>1: pairs are neighbours (x0, x1), (x2, x3), ...; 0: element k goes with element k + rotaryDim / 2.</summary>
    public int IsInterleaved;
}

/// <summary>
/// Rotary position embedding (Su et al. 2021, RoFormer, eq. 34): each pair (a, b) of a row becomes (a cos - b sin, b cos + a sin);
/// elements past rotaryDim are copied. A position outside the table gives NaN rather than a read past its end.
/// Grid: ceil(batch heads seq (headDim - rotaryDim / 2) / group) groups, a lane a pair or a copied element; shared: none.
/// </summary>
public static class RotaryEmbedding<T, TElement>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public static void Kernel(RotaryArgs<T> args)
    {
        int pairs = args.RotaryDim / 2;
        int lanesPerRow = args.HeadDim - pairs;
        long index = (long)Grid.IdxX * Group.DimX + Group.IdxX;
        long row = index / lanesPerRow;
        if (row >= (long)args.Batch * args.Heads * args.Seq) return;
        int k = (int)(index - row * lanesPerRow);
        long head = row / args.Seq;
        int s = (int)(row - head * args.Seq);
        int b = (int)(head / args.Heads);
        int h = (int)(head - (long)b * args.Heads);
        long x = args.X.Head(b, h) + s * args.X.RowStride;
        long y = args.Y.Head(b, h) + s * args.Y.RowStride;

        if (k >= pairs)
        {
            args.Y.Data[y + k + pairs] = args.X.Data[x + k + pairs];
            return;
        }

        Angle(args, b, s, k, out float cos, out float sin);
        int first = args.IsInterleaved != 0 ? 2 * k : k;
        int second = args.IsInterleaved != 0 ? 2 * k + 1 : k + pairs;
        float a = TElement.Load(args.X.Data[x + first]);
        float c = TElement.Load(args.X.Data[x + second]);
        args.Y.Data[y + first] = TElement.Store(a * cos - c * sin);
        args.Y.Data[y + second] = TElement.Store(c * cos + a * sin);
    }

    private static void Angle(in RotaryArgs<T> args, int b, int s, int k, out float cos, out float sin)
    {
        int row = s;
        if (args.HasPositions != 0)
        {
            row = args.Positions[args.PositionsOffset + (long)b * args.Seq + s];
            if (row < 0 || row >= args.MaxPosition)
            {
                cos = float.NaN;
                sin = float.NaN;
                return;
            }
        }
        cos = args.Cos.Load(args.CosOffset + b * args.CosBatchStride + row * args.CosRowStride + k);
        sin = args.Sin.Load(args.SinOffset + b * args.SinBatchStride + row * args.SinRowStride + k);
    }
}
