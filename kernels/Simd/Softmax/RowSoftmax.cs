using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Y = exp(s - m) / l row by row, with m = max(s), l = sum(exp(s - m)); log: Y = s - m - log(l). Memory is read once and written once: the scores of
/// the row stay in scratch, which is in cache, between the three passes (scores and m; exponentials and l; output).
/// </summary>
internal static unsafe class RowSoftmax<W, V, EX, EY>
    where W : struct, IWidth<V>
    where V : struct
    where EX : struct, IElement
    where EY : struct, IElement
{
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly var plan = ref Unsafe.AsRef<SoftmaxPlan>(shared);
        ref readonly var args = ref plan.Args;
        int first = item % plan.HeadItems * plan.ItemRows;
        int head = item / plan.HeadItems % args.Heads;
        int batch = item / plan.HeadItems / args.Heads;
        int keyLength = args.Score.KeyLengths == null ? args.Columns : Math.Clamp(args.Score.KeyLengths[batch], 0, args.Columns);
        int shift = args.Score.Band.ShiftFor(args.Rows, keyLength);
        float* scores = (float*)memory;
        float* operand = scores + Scratch.Align(args.Columns);
        for (int row = first; row < Math.Min(args.Rows, first + plan.ItemRows); row++)
        {
            int from = args.Score.Band.First(row, shift);
            int to = Math.Max(from, args.Score.Band.End(row, shift, keyLength));
            byte* x = Address<EX>(args.X, batch, head, row);
            byte* y = Address<EY>(args.Y, batch, head, row);
            float m = RowScores<W, V>.Load<EX>(args.Score, batch, head, row, shift, x, from, to, scores, operand);
            float lse = Normalize(args.Log, m, scores, y + (nint)from * EY.Size, to - from);
            float outside = args.Log ? float.NegativeInfinity : 0;
            to = Math.Min(to, args.Columns);
            Rows<W, V>.Fill<EY>(y, outside, Math.Min(from, args.Columns));
            Rows<W, V>.Fill<EY>(y + (nint)to * EY.Size, outside, args.Columns - to);
            if (args.Lse != null) args.Lse[((long)batch * args.Heads + head) * args.Rows + row] = lse;
        }
    }

    private static byte* Address<E>(in HeadTensor tensor, int batch, int head, int row)
        where E : struct, IElement =>
        (byte*)tensor.Data + E.Size * (batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride);

    /// <summary>Exponentials, their sum and the output; returns m + log(l).</summary>
    private static float Normalize(bool log, float m, float* s, byte* y, int columns)
    {
        float l = Rows<W, V>.Exponentials(s, columns, m, keep: log);
        if (log) return RowLogarithms(m, l, s, y, columns);
        Rows<W, V>.Narrow<EY>(s, l == 0 ? 0 : 1 / l, y, columns);
        return m + MathF.Log(l);
    }

    private static float RowLogarithms(float m, float l, float* s, byte* y, int columns)
    {
        float lse = m + MathF.Log(l);
        V offset = W.Set(lse);
        int c = 0;
        if (float.IsNegativeInfinity(lse)) Rows<W, V>.Fill<EY>(y, lse, columns);
        else
        {
            for (; c <= columns - W.Count; c += W.Count) EY.Store<W, V>(y + (nint)c * EY.Size, W.Subtract(W.Load(s + c), offset));
            for (; c < columns; c++) EY.Store<Width1, float>(y + (nint)c * EY.Size, s[c] - lse);
        }

        return lse;
    }
}
