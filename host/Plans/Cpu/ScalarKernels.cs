using AttnKernels.Simd;

namespace AttnKernels.Plans.Cpu;

/// <summary>Plain loops behind the CPU plans.</summary>
internal static unsafe class ScalarKernels
{
    public static void Matmul(in MatmulArgs a)
    {
        for (int b0 = 0; b0 < a.Batch0; b0++)
            for (int b1 = 0; b1 < a.Batch1; b1++)
                for (int i = 0; i < a.M; i++)
                    for (int j = 0; j < a.N; j++)
                    {
                        float sum = 0;
                        for (int k = 0; k < a.K; k++)
                        {
                            float x = Load(a.A.Data, a.A.Type, At(a.A, b0, b1, i, k));
                            if (x == 0 && a.SkipZeroA) continue;
                            sum += x * Load(a.B.Data, a.B.Type, At(a.B, b0, b1 / a.GroupB, k, j));
                        }
                        long c = At(a.C, b0, b1, i, j);
                        float result = a.Alpha * sum;
                        if (a.Beta != 0) result += a.Beta * Load(a.C.Data, a.C.Type, c);
                        if (a.Bias != null) result += Load(a.Bias, a.BiasType, j);
                        Store(a.C.Data, a.C.Type, c, result);
                    }
    }

    public static void Softmax(in SoftmaxArgs a)
    {
        float[] row = new float[a.Columns];
        for (int b = 0; b < a.Batch; b++)
            for (int h = 0; h < a.Heads; h++)
                for (int i = 0; i < a.Rows; i++)
                {
                    long x = (b * a.X.BatchStride) + (h * a.X.HeadStride) + (i * a.X.RowStride);
                    long y = (b * a.Y.BatchStride) + (h * a.Y.HeadStride) + (i * a.Y.RowStride);
                    for (int j = 0; j < a.Columns; j++) row[j] = Load(a.X.Data, a.TypeX, x + j);
                    float lse = Scores(a.Score, row, b, h, i, a.Rows);
                    for (int j = 0; j < a.Columns; j++)
                    {
                        float value = a.Log ? row[j] - lse : MathF.Exp(row[j] - lse);
                        if (float.IsNegativeInfinity(row[j])) value = a.Log ? float.NegativeInfinity : 0;
                        Store(a.Y.Data, a.TypeY, y + j, value);
                    }
                    if (a.Lse != null) a.Lse[((((long)b * a.Heads) + h) * a.Rows) + i] = lse;
                }
    }

    public static void Attention(in AttentionArgs a)
    {
        float[] row = new float[a.SeqKv];
        int group = a.HeadsQ / a.HeadsKv;
        for (int b = 0; b < a.Batch; b++)
            for (int h = 0; h < a.HeadsQ; h++)
                for (int i = 0; i < a.SeqQ; i++)
                {
                    long q = At(a.Q, b, h, i);
                    for (int j = 0; j < a.SeqKv; j++)
                    {
                        long k = At(a.K, b, h / group, j);
                        float dot = 0;
                        for (int d = 0; d < a.HeadDim; d++) dot += Load(a.Q.Data, a.Type, q + d) * Load(a.K.Data, a.Type, k + d);
                        row[j] = dot;
                    }
                    float lse = Scores(a.Score, row, b, h, i, a.SeqQ);
                    for (int d = 0; d < a.HeadDimV; d++)
                    {
                        float sum = 0;
                        for (int j = 0; j < a.SeqKv; j++)
                        {
                            if (float.IsNegativeInfinity(row[j])) continue;
                            sum += MathF.Exp(row[j] - lse) * Load(a.V.Data, a.Type, At(a.V, b, h / group, j) + d);
                        }
                        Store(a.O.Data, a.Type, At(a.O, b, h, i) + d, sum);
                    }
                    if (a.Lse != null) a.Lse[((((long)b * a.HeadsQ) + h) * a.SeqQ) + i] = lse;
                }
    }

    // Turns dot products into scores in place and returns their log-sum-exp.
    private static float Scores(in ScoreArgs a, float[] row, int b, int h, int i, int rows)
    {
        int length = a.KeyLengths == null ? row.Length : a.KeyLengths[b];
        int shift = a.Band.ShiftFor(rows, length);
        float max = float.NegativeInfinity;
        for (int j = 0; j < row.Length; j++)
        {
            bool visible = j < length && j >= a.Band.First(i, shift) && j < a.Band.End(i, shift, length);
            if (visible && a.Mask.Data != null) visible = ((byte*)a.Mask.Data)[At(a.Mask, b, h, i, j)] != 0;
            float s = a.Scale * row[j];
            if (a.Softcap > 0) s = a.Softcap * MathF.Tanh(s / a.Softcap);
            if (a.Bias.Data != null) s += Load(a.Bias.Data, a.BiasType, At(a.Bias, b, h, i, j));
            if (a.AlibiSlopes != null) s -= a.AlibiSlopes[(b * a.AlibiBatchStride) + h] * Math.Abs(i + shift - j);
            row[j] = visible ? s : float.NegativeInfinity;
            if (visible) max = MathF.Max(max, s);
        }
        if (float.IsNegativeInfinity(max)) return max;
        float sum = 0;
        foreach (float s in row) sum += MathF.Exp(s - max);
        return max + MathF.Log(sum);
    }

    private static long At(in MatrixArgs m, int b0, int b1, int r, int c) =>
        (b0 * m.Batch0Stride) + (b1 * m.Batch1Stride) + (r * m.RowStride) + (c * m.ColumnStride);

    private static long At(in HeadTensor t, int b, int h, int r) => (b * t.BatchStride) + (h * t.HeadStride) + (r * t.RowStride);

    private static long At(in BroadcastTensor t, int b, int h, int r, int c) =>
        (b * t.BatchStride) + (h * t.HeadStride) + (r * t.RowStride) + (c * t.ColumnStride);

    private static float Load(void* data, DType type, long index) => type switch
    {
        DType.Float32 => ((float*)data)[index],
        DType.Float16 => (float)((Half*)data)[index],
        _ => ((BFloat16*)data)[index],
    };

    private static void Store(void* data, DType type, long index, float value)
    {
        if (type == DType.Float32) ((float*)data)[index] = value;
        else if (type == DType.Float16) ((Half*)data)[index] = (Half)value;
        else ((BFloat16*)data)[index] = (BFloat16)value;
    }
}
