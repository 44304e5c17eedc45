using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Y = exp(s - m) / l row by row, with m = max(s), l = sum(exp(s - m)); log: Y = s - m - log(l). Memory is read once and written once:
/// the scores of the row stay in scratch, which is in cache, between the three passes (scores and m; exponentials and l; output).
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
        int end = Math.Min(args.Rows, first + plan.ItemRows);
        bool shortRows = plan.IsPlain && args.Score.Scale > 0 && keyLength == args.Columns
            && args.Columns % W.Count == 0 && args.Columns <= 4 * W.Count;
        for (int row = first; row < end; row++)
        {
            if (shortRows) row += Short(plan, batch, head, row, end - row);
            if (row < end) Row(plan, batch, head, row, shift, keyLength, (float*)memory);
        }
    }

    /// <summary>The rows from <paramref name="row"/> on, up to one without a sum; returns how many.</summary>
    private static int Short(in SoftmaxPlan plan, int batch, int head, int row, int rows) => (plan.Args.Columns / W.Count) switch
    {
        0 => 0,
        1 => Short<Size1>(plan, batch, head, row, rows),
        2 => Short<Size2>(plan, batch, head, row, rows),
        3 => Short<Size3>(plan, batch, head, row, rows),
        _ => Short<Size4>(plan, batch, head, row, rows),
    };

    private static int Short<TVectors>(in SoftmaxPlan plan, int batch, int head, int row, int rows)
        where TVectors : struct, ISize
    {
        ref readonly var args = ref plan.Args;
        byte* x = Address<EX>(args.X, batch, head, row);
        byte* y = Address<EY>(args.Y, batch, head, row);
        nint xStep = (nint)args.X.RowStride * EX.Size;
        nint yStep = (nint)args.Y.RowStride * EY.Size;
        bool stream = plan.Streams && EY.Size == sizeof(float) && (((nuint)y | (nuint)yStep) & (Scratch.Alignment - 1)) == 0;
        float scale = args.Score.Scale;
        if (args.Lse == null) return ShortRows<W, V, EX, EY, TVectors>.Run<NoLse>(x, xStep, y, yStep, rows, scale, stream, null);
        float* lse = args.Lse + ((long)batch * args.Heads + head) * args.Rows + row;
        return ShortRows<W, V, EX, EY, TVectors>.Run<StoreLse>(x, xStep, y, yStep, rows, scale, stream, lse);
    }

    private static void Row(in SoftmaxPlan plan, int batch, int head, int row, int shift, int keyLength, float* scores)
    {
        ref readonly var args = ref plan.Args;
        float* operand = scores + Scratch.Align(args.Columns);
        int from = Math.Min(args.Score.Band.First(row, shift), args.Columns);
        int to = Math.Clamp(args.Score.Band.End(row, shift, keyLength), from, args.Columns);
        byte* x = Address<EX>(args.X, batch, head, row);
        byte* y = Address<EY>(args.Y, batch, head, row);
        float sink = args.Score.SinkOf(head);
        float m = MathF.Max(sink, RowScores<W, V>.Load<EX>(args.Score, batch, head, row, shift, x, from, to, scores, operand));

        // While the exponentials keep the arithmetic busy, the memory fetches the next row.
        float* next = (float*)(x + args.X.RowStride * EX.Size);
        float l = Rows<W, V>.Exponentials(scores, to - from, m, keep: args.Log || args.Scores, next, EX.Size);

        // With the rounding of the exponent that the row's terms share.
        if (!float.IsNegativeInfinity(sink)) l += Rows<W, V>.Exponentials(&sink, 1, m, keep: true);
        float outside = args.Log || args.Scores ? float.NegativeInfinity : 0;
        if (float.IsNaN(l) && !args.Scores)
        {
            RowScores<W, V>.Load<EX>(args.Score, batch, head, row, shift, x, from, to, scores, operand);
            OutputNaN(scores, outside, y + (nint)from * EY.Size, to - from);
        }
        else Output(plan, m, l, scores, y + (nint)from * EY.Size, to - from);

        if (from > 0) Rows<W, V>.Fill<EY>(y, outside, from);
        if (to < args.Columns) Rows<W, V>.Fill<EY>(y + (nint)to * EY.Size, outside, args.Columns - to);
        if (args.Lse != null) args.Lse[((long)batch * args.Heads + head) * args.Rows + row] = m + MathF.Log(l);
    }

    private static byte* Address<E>(in HeadTensor tensor, int batch, int head, int row)
        where E : struct, IElement =>
        (byte*)tensor.Data + E.Size * (batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride);

    /// <summary>y = p / l, or s - m - log(l), or s.</summary>
    private static void Output(in SoftmaxPlan plan, float m, float l, float* s, byte* y, int columns)
    {
        if (plan.Args.Scores) Rows<W, V>.Narrow<EY>(s, 1, y, columns);
        else if (plan.Args.Log) Logarithms(m, l, s, y, columns);
        else if (plan.Streams && EY.Size == sizeof(float) && ((nuint)y & (Scratch.Alignment - 1)) == 0) Stream(s, 1 / l, (float*)y,
            columns);
        else Rows<W, V>.Narrow<EY>(s, l == 0 ? 0 : 1 / l, y, columns);
    }

    /// <summary>A row that sees a NaN: every column that it sees is NaN, hidden ones stay hidden.</summary>
    private static void OutputNaN(float* s, float hidden, byte* y, int columns)
    {
        for (int c = 0; c < columns; c++)
            EY.Store<Width1, float>(y + (nint)c * EY.Size, float.IsNegativeInfinity(s[c]) ? hidden : float.NaN);
    }

    /// <summary>Stores past the caches: an output larger than they are would be read before it is written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Stream(float* s, float inverse, float* y, int columns)
    {
        V factor = W.Set(float.IsPositiveInfinity(inverse) ? 0 : inverse);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) W.Stream(y + c, W.Multiply(factor, W.Load(s + c)));
        Rows<W, V>.Narrow<EY>(s + c, float.IsPositiveInfinity(inverse) ? 0 : inverse, (byte*)(y + c), columns - c);
    }

    private static void Logarithms(float m, float l, float* s, byte* y, int columns)
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
    }
}
