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
            Fill(y, 0, Math.Min(from, args.Columns), outside);
            Fill(y, Math.Min(to, args.Columns), args.Columns, outside);
            if (args.Lse != null) args.Lse[((long)batch * args.Heads + head) * args.Rows + row] = lse;
        }
    }

    private static byte* Address<E>(in HeadTensor tensor, int batch, int head, int row)
        where E : struct, IElement =>
        (byte*)tensor.Data + E.Size * (batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride);

    /// <summary>
    /// Exponentials, their sum and the output. Base 2: exp2(s log2(e) - m log2(e)) as one fused multiply-add; the rounding of m log2(e) is the same
    /// factor in every exponential and in l.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Normalize(bool log, float m, float* s, byte* y, int columns)
    {
        float shift = float.IsNegativeInfinity(m) ? 0 : m * Exp2.Log2E;
        V log2E = W.Set(Exp2.Log2E);
        V minusShift = W.Set(-shift);
        V sum = W.Zero;
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            V p = Exp2.Of<W, V>(W.Fma(W.Load(s + c), log2E, minusShift));
            sum = W.Add(sum, p);
            if (!log) W.Store(s + c, p);
        }

        float l = W.SumAcross(sum);
        for (; c < columns; c++)
        {
            float p = Exp2.Of<Width1, float>(s[c] * Exp2.Log2E - shift);
            l += p;
            if (!log) s[c] = p;
        }

        float logL = MathF.Log(l);
        float factor = log ? 1 : l == 0 ? 0 : 1 / l;
        float offset = log ? (l == 0 ? float.NegativeInfinity : -(shift * Exp2.Ln2 + logL)) : 0;
        c = 0;
        for (; c <= columns - W.Count; c += W.Count) EY.Store<W, V>(y + (nint)c * EY.Size, W.Fma(W.Load(s + c), W.Set(factor), W.Set(offset)));
        for (; c < columns; c++) EY.Store<Width1, float>(y + (nint)c * EY.Size, s[c] * factor + offset);
        return shift * Exp2.Ln2 + logL;
    }

    private static void Fill(byte* y, int from, int to, float value)
    {
        int c = from;
        for (; c <= to - W.Count; c += W.Count) EY.Store<W, V>(y + (nint)c * EY.Size, W.Set(value));
        for (; c < to; c++) EY.Store<Width1, float>(y + (nint)c * EY.Size, value);
    }
}
