using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>The scores of one row of the softmax, by the rules of <see cref="ScoreArgs"/>, in natural units.</summary>
internal static unsafe class RowScores<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>scores[c - from] = score of column c, for c in [from, to); returns their maximum, -inf if there is none.</summary>
    public static float Load<E>(in ScoreArgs rules, int batch, int head, int row, int shift, byte* x, int from, int to,
        float* scores, float* operand)
        where E : struct, IElement
    {
        int columns = to - from;
        if (columns <= 0) return float.NegativeInfinity;
        bool plain = rules.Softcap <= 0 && rules.AlibiSlopes == null && !rules.HidesKeys;
        float m = Scale<E>(x + (nint)from * E.Size, columns, rules.ScaleOf(head), scores);
        if (plain) return m;

        if (rules.Softcap > 0) Softcap(scores, columns, rules.Softcap);
        if (rules.Bias.Data != null)
        {
            switch (rules.BiasType)
            {
                case DType.Float16: LoadOperand<Float16Element>(rules.Bias, batch, head, row, from, columns, operand); break;
                case DType.BFloat16: LoadOperand<BFloat16Element>(rules.Bias, batch, head, row, from, columns, operand); break;
                default: LoadOperand<Float32Element>(rules.Bias, batch, head, row, from, columns, operand); break;
            }

            AddBias(scores, operand, columns);
        }

        if (rules.AlibiSlopes != null)
        {
            float slope = rules.AlibiSlopes[batch * rules.AlibiBatchStride + head];
            for (int c = 0; c < columns; c++) scores[c] -= slope * Math.Abs(row + shift - from - c);
        }

        if (rules.Modifier.IsPresent)
        {
            ScorePosition first =
                new() { Batch = rules.Modifier.Batch + batch, Head = head, Query = row, Key = from, Aligned = row + shift };
            rules.Modifier.Apply(rules.Modifier.State, scores, 1, columns, first, 1);
        }

        if (rules.Mask.Data != null)
        {
            LoadOperand<ByteElement>(rules.Mask, batch, head, row, from, columns, operand);
            Hide(scores, operand, columns);
        }

        if (rules.DocumentsQ != null)
        {
            int document = rules.DocumentsQ[batch * rules.DocumentsQStride + row];
            int* ids = rules.DocumentsKv + batch * rules.DocumentsKvStride + from;
            for (int c = 0; c < columns; c++)
                if (ids[c] != document) scores[c] = float.NegativeInfinity;
        }

        if (rules.Blocks.Data != null) HideBlocks(rules, rules.BlockRow(batch, head, row), from, to, scores);

        return Max(scores, columns);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Scale<E>(byte* x, int columns, float scale, float* scores)
        where E : struct, IElement
    {
        V factor = W.Set(scale);
        V max = W.Set(float.NegativeInfinity);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            V s = W.Multiply(factor, E.Load<W, V>(x + (nint)c * E.Size));
            max = W.Max(max, s);
            W.Store(scores + c, s);
        }

        float m = W.MaxAcross(max);
        for (; c < columns; c++)
        {
            scores[c] = scale * E.Load<Width1, float>(x + (nint)c * E.Size);
            m = Width1.Max(m, scores[c]);
        }

        return m;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Max(float* scores, int columns)
    {
        V max = W.Set(float.NegativeInfinity);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) max = W.Max(max, W.Load(scores + c));
        float m = W.MaxAcross(max);
        for (; c < columns; c++) m = Width1.Max(m, scores[c]);
        return m;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softcap(float* scores, int columns, float softcap)
    {
        V cap = W.Set(softcap);
        float scale = Exp2.TanhScale / softcap;
        V factor = W.Set(scale);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) W.Store(scores + c, Exp2.Tanh<W, V>(W.Multiply(factor, W.Load(scores + c)), cap));
        for (; c < columns; c++) scores[c] = Exp2.Tanh<Width1, float>(scale * scores[c], softcap);
    }

    /// <summary>A bias of -inf hides the column whatever the score is, NaN included.</summary>
    private static void AddBias(float* scores, float* bias, int columns)
    {
        V hidden = W.Set(float.NegativeInfinity);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            V b = W.Load(bias + c);
            W.Store(scores + c, W.Select(W.Equal(b, hidden), hidden, W.Add(W.Load(scores + c), b)));
        }

        for (; c < columns; c++) scores[c] = float.IsNegativeInfinity(bias[c]) ? bias[c] : scores[c] + bias[c];
    }

    private static void Hide(float* scores, float* mask, int columns)
    {
        V hidden = W.Set(float.NegativeInfinity);
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            W.Store(scores + c, W.Select(W.LessBits(W.Zero, W.Load(mask + c)), W.Load(scores + c), hidden));
        }

        for (; c < columns; c++) scores[c] = BitConverter.SingleToInt32Bits(mask[c]) > 0 ? scores[c] : float.NegativeInfinity;
    }

    private static void HideBlocks(in ScoreArgs rules, byte* visible, int from, int to, float* scores)
    {
        for (int column = from; column < to;)
        {
            int block = column / rules.KeyBlock;
            int next = (int)Math.Min(to, (block + 1L) * rules.KeyBlock);
            if (visible[block * rules.Blocks.ColumnStride] == 0)
                new Span<float>(scores + column - from, next - column).Fill(float.NegativeInfinity);
            column = next;
        }
    }

    private static void LoadOperand<E>(in BroadcastTensor tensor, int batch, int head, int row, int from, int columns, float* operand)
        where E : struct, IElement
    {
        long offset = batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride + from * tensor.ColumnStride;
        byte* source = (byte*)tensor.Data + E.Size * offset;
        Packing<W, V, E>.Copy(source, 0, (nint)tensor.ColumnStride, 1, columns, operand, 0);
    }
}
