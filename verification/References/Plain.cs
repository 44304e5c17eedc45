namespace AttnKernels.Verification;

/// <summary>
/// The plain computation in the precision of the kernels: fp32 arithmetic on the stored values, one loop after the other, the result
/// rounded to its storage type. Its error is the yardstick of the second acceptance rule (Dao et al.): a kernel may err twice as much.
/// </summary>
public static class Plain
{
    /// <summary>O (batch, headsQ, seqQ, headDimV) of Q, K, V of ranks 4.</summary>
    public static HostTensor Attention(HostTensor q, HostTensor k, HostTensor v, ScoreRule rule)
    {
        int batch = q.Shape[0], heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2], dimV = v.Shape[3];
        int group = heads / k.Shape[1];
        HostTensor o = new(q.Type, batch, heads, queries, dimV);
        float[] p = new float[keys];
        for (int b = 0; b < batch; b++)
            for (int h = 0; h < heads; h++)
                for (int i = 0; i < queries; i++)
                {
                    ReadOnlySpan<float> query = q.Row(b, h, i);
                    for (int j = 0; j < keys; j++)
                        p[j] = rule.Sees(b, h, i, j, queries, keys)
                            ? Score(Dot(query, k.Row(b, h / group, j)), rule, b, h, i, j, queries, keys)
                            : float.NegativeInfinity;
                    Softmax(p, (float)rule.SinkOf(h), out _);
                    int at = ((((b * heads) + h) * queries) + i) * dimV;
                    for (int d = 0; d < dimV; d++)
                    {
                        float sum = 0;
                        for (int j = 0; j < keys; j++)
                            if (p[j] != 0 || rule.Sees(b, h, i, j, queries, keys))
                                sum += p[j] * v.Row(b, h / group, j)[d];
                        o.Values[at + d] = HostTensor.Round(o.Type, sum);
                    }
                }
        return o;
    }

    /// <summary>Y of X (batch, heads, rows, columns): softmax(score(X)), its logarithm or score(X), stored as <paramref name="type"/>.</summary>
    public static HostTensor Softmax(HostTensor x, ScoreRule rule, bool log, DType type, bool scores = false)
    {
        int batch = x.Shape[0], heads = x.Shape[1], rows = x.Shape[2], columns = x.Shape[3];
        HostTensor y = new(type, x.Shape);
        float[] p = new float[columns], s = new float[columns];
        for (int b = 0; b < batch; b++)
            for (int h = 0; h < heads; h++)
                for (int i = 0; i < rows; i++)
                {
                    ReadOnlySpan<float> logits = x.Row(b, h, i);
                    for (int j = 0; j < columns; j++)
                        p[j] = s[j] = rule.Sees(b, h, i, j, rows, columns)
                            ? Score(logits[j], rule, b, h, i, j, rows, columns)
                            : float.NegativeInfinity;
                    Softmax(p, (float)rule.SinkOf(h), out float lse);
                    int at = ((((b * heads) + h) * rows) + i) * columns;
                    for (int j = 0; j < columns; j++)
                        y.Values[at + j] = HostTensor.Round(type, scores ? s[j] : !log ? p[j] : s[j] == float.NegativeInfinity ? s[j] : s[j] - lse);
                }
        return y;
    }

    /// <summary>C (batch, M, N) = alpha A B + beta C0 + bias, see <see cref="MatmulReference"/>.</summary>
    public static HostTensor Matmul(MatmulReference m)
    {
        HostTensor c = new(m.TypeC, m.Batch, m.M, m.N);
        for (int b = 0; b < m.Batch; b++)
            for (int r = 0; r < m.M; r++)
                for (int n = 0; n < m.N; n++)
                {
                    float sum = 0;
                    for (int k = 0; k < m.K; k++)
                    {
                        float a = m.ElementA(b, r, k);
                        if (a != 0 || !m.ZeroHides) sum += a * m.ElementB(b, k, n);
                    }
                    int at = (((b * m.M) + r) * m.N) + n;
                    float value = m.Alpha * sum;
                    if (m.C0 is not null) value += m.Beta * m.C0.Values[at];
                    if (m.Bias is not null) value += m.Bias.Values[n];
                    c.Values[at] = HostTensor.Round(m.TypeC, value);
                }
        return c;
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        float sum = 0;
        for (int d = 0; d < a.Length; d++)
            sum += a[d] * b[d];
        return sum;
    }

    private static float Score(float dot, ScoreRule rule, int b, int h, int i, int j, int queries, int keys)
    {
        float s = (float)rule.Scale * (rule.HeadScales?.Values[h] ?? 1) * dot, softcap = (float)rule.Softcap;
        if (softcap > 0) s = softcap * MathF.Tanh(s / softcap);
        if (rule.Bias is not null) s += rule.Bias.Broadcast(b, h, i, j);
        if (rule.AlibiSlopes is not null) s -= (float)rule.Slope(b, h) * Math.Abs(rule.AlignedKey(b, i, queries, keys) - j);
        return rule.Modifier is null ? s : (float)rule.Modifier.Modify(s, b, h, i, j, rule.AlignedKey(b, i, queries, keys)).Score;
    }

    private static void Softmax(float[] s, float sink, out float lse)
    {
        float max = sink, sum = 0;
        foreach (float value in s)
            max = !(value <= max) && !float.IsNaN(max) ? value : max;
        lse = max;
        if (max == float.NegativeInfinity)
        {
            Array.Clear(s);
            return;
        }
        if (sink != float.NegativeInfinity) sum = MathF.Exp(sink - max);
        // A hidden element stays 0 also where a visible one is NaN, and with it the maximum and the sum.
        for (int j = 0; j < s.Length; j++)
            sum += s[j] = s[j] == float.NegativeInfinity ? 0 : MathF.Exp(s[j] - max);
        for (int j = 0; j < s.Length; j++)
            s[j] = s[j] == 0 ? 0 : s[j] / sum;
        lse = max + MathF.Log(sum);
    }
}
