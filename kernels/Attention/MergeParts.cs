using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What MergeParts receives. Part p of batch entry b is entry p * batch + b of PartsO (parts * batch, heads, seq, headDim) and of M, L
/// and the result's place (batch, heads, seq).
/// </summary>
public struct MergeArgs<T, TOut>
    where T : unmanaged
    where TOut : unmanaged
{
    public HeadView<T> PartsO;

    /// <summary>
    /// (parts * batch, heads, seq): the part's maximum m, or its log-sum-exp where it has no L; -inf: the part saw no key.
    /// </summary>
    public ArrayView<float> M;
    public long MOffset;

    /// <summary>
    /// (parts * batch, heads, seq) sums l of exp(s - m), read where <see cref="HasSums"/> is 1; else the parts are normalised, l = 1.
    /// </summary>
    public ArrayView<float> L;
    public long LOffset;
    public int HasSums;

    public HeadView<TOut> O;

    /// <summary>(batch, heads, seq), written where <see cref="HasLse"/> is 1.</summary>
    public ArrayView<float> Lse;
    public long LseOffset;
    public int HasLse;

    public int Parts, Batch, Heads, Seq, HeadDim;

    /// <summary>What a difference of two m is multiplied by to become a base-2 exponent.</summary>
    public float Log2Factor;
}

/// <summary>
/// Merges partial attention results over disjoint sets of keys: with w_p = exp(m_p - max m), O = sum w_p O_p / sum w_p l_p and
/// LSE = max m + ln(sum w_p l_p), in the order of the parts (the combine step of split-KV decoding; Dao et al., Flash-Decoding, 2023).
/// Grid: ceil(batch heads seq ceil(headDim / 4) / group) groups, a lane four columns of a row; shared: none.
/// </summary>
public static class MergeParts<T, TElement, TOut, TElementOut>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TOut : unmanaged
    where TElementOut : struct, IElement<TOut>
{
    public static void Kernel(MergeArgs<T, TOut> args)
    {
        int lanesPerRow = (args.HeadDim + 3) / 4;
        long index = (long)Grid.IdxX * Group.DimX + Group.IdxX;
        long row = index / lanesPerRow;
        long rows = (long)args.Batch * args.Heads * args.Seq;
        if (row >= rows) return;
        int column = 4 * (int)(index - row * lanesPerRow);
        long head = row / args.Seq;
        int i = (int)(row - head * args.Seq);
        int b = (int)(head / args.Heads);
        int h = (int)(head - (long)b * args.Heads);

        float max = Max(args, row, rows);
        float sum = 0f;
        F4 o = default;
        long at = args.PartsO.Head(b, h) + i * args.PartsO.RowStride;
        long step = args.Batch * args.PartsO.BatchStride;

        // Four parts a turn.
        for (int p = 0; p < args.Parts; p += 4)
        {
            float w0 = Weight(args, p, row, rows, max), w1 = Weight(args, p + 1, row, rows, max);
            float w2 = Weight(args, p + 2, row, rows, max), w3 = Weight(args, p + 3, row, rows, max);
            F4 o0 = Load(args, at, column, w0), o1 = Load(args, at + step, column, w1);
            F4 o2 = Load(args, at + 2 * step, column, w2), o3 = Load(args, at + 3 * step, column, w3);
            sum += w0 * Sum(args, p, row, rows, w0);
            sum += w1 * Sum(args, p + 1, row, rows, w1);
            sum += w2 * Sum(args, p + 2, row, rows, w2);
            sum += w3 * Sum(args, p + 3, row, rows, w3);
            o.Fma(w0, o0);
            o.Fma(w1, o1);
            o.Fma(w2, o2);
            o.Fma(w3, o3);
            at += 4 * step;
        }

        bool isEmpty = sum == 0f;
        o.Scale(isEmpty ? 0f : 1f / sum);
        RowCopy.Store4<TOut, TElementOut>(args.O, args.O.Head(b, h) + i * args.O.RowStride, column, args.HeadDim, o);
        if (args.HasLse == 0 || column != 0) return;
        float lse = (max * args.Log2Factor + SpecialMath.Log2(sum)) * SpecialMath.Ln2;
        args.Lse[args.LseOffset + row] = isEmpty ? float.NegativeInfinity : lse;
    }

    private static float Max(in MergeArgs<T, TOut> args, long row, long rows)
    {
        float max = float.NegativeInfinity;
        for (int p = 0; p < args.Parts; p += 4)
        {
            float m0 = Maximum(args, p, row, rows), m1 = Maximum(args, p + 1, row, rows);
            float m2 = Maximum(args, p + 2, row, rows), m3 = Maximum(args, p + 3, row, rows);
            max = SpecialMath.Max(max, SpecialMath.Max(SpecialMath.Max(m0, m1), SpecialMath.Max(m2, m3)));
        }
        return max;
    }

    /// <summary>The part's m; -inf past the last part.</summary>
    private static float Maximum(in MergeArgs<T, TOut> args, int p, long row, long rows) =>
        p < args.Parts ? args.M[args.MOffset + p * rows + row] : float.NegativeInfinity;

    /// <summary>0 for a part that saw no key, and for it alone unless the exponential underflows.</summary>
    private static float Weight(in MergeArgs<T, TOut> args, int p, long row, long rows, float max)
    {
        float m = Maximum(args, p, row, rows);
        return m == float.NegativeInfinity ? 0f : SpecialMath.Exp2((m - max) * args.Log2Factor);
    }

    /// <summary>The part's l.</summary>
    private static float Sum(in MergeArgs<T, TOut> args, int p, long row, long rows, float weight) =>
        args.HasSums != 0 && weight != 0f ? args.L[args.LOffset + p * rows + row] : 1f;

    /// <summary>Four elements of a part; 0 where its weight is 0, whatever it holds.</summary>
    private static F4 Load(in MergeArgs<T, TOut> args, long row, int column, float weight)
    {
        F4 none = default;
        return weight == 0f ? none : RowCopy.Load4<T, TElement>(args.PartsO, row, column, args.HeadDim);
    }
}
