namespace AttnKernels.Verification;

/// <summary>
/// The plain computation in the precision of the kernels: fp32 arithmetic on the stored values, one loop after the other, the result
/// rounded to its storage type. Its error is the yardstick of the second acceptance rule (Dao et al.): a kernel may err twice as much.
/// </summary>
public static class Plain
{
    /// <summary>
    /// O (batch, headsQ, seqQ, headDimV) of Q, K, V of ranks 4, or the <paramref name="rows"/> of it, one after the other.
    /// </summary>
    public static HostTensor Attention(HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, int[]? rows = null)
    {
        int heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2], dimV = v.Shape[3], group = heads / k.Shape[1];
        HostTensor o = Rows(q.Type, [q.Shape[0], heads, queries, dimV], rows);
        EachRow(o, dimV, keys, rows, (n, at, p) =>
        {
            (int b, int h, int i) = (at / queries / heads, at / queries % heads, at % queries);
            ReadOnlySpan<float> query = q.Row(b, h, i);
            for (int j = 0; j < keys; j++)
                p[j] = rule.Sees(b, h, i, j, queries, keys)
                    ? Score(Dot(query, k.Row(b, h / group, j)), rule, b, h, i, j, queries, keys)
                    : float.NegativeInfinity;
            Softmax(p, (float)rule.SinkOf(h), out _);
            Span<float> row = o.Values.AsSpan(n * dimV, dimV);
            for (int j = 0; j < keys; j++)
            {
                if (p[j] == 0 && !rule.Sees(b, h, i, j, queries, keys)) continue;
                ReadOnlySpan<float> values = v.Row(b, h / group, j);
                for (int d = 0; d < dimV; d++)
                    row[d] += p[j] * values[d];
            }
            foreach (ref float value in row)
                value = HostTensor.Round(q.Type, value);
        });
        return o;
    }

    /// <summary>
    /// Y of X (batch, heads, rows, columns), or <paramref name="rows"/> of it: softmax(score(X)), its logarithm or score(X), stored as
    /// <paramref name="type"/>.
    /// </summary>
    public static HostTensor Softmax(HostTensor x, ScoreRule rule, bool log, DType type, bool scores = false, int[]? rows = null)
    {
        int heads = x.Shape[1], height = x.Shape[2], columns = x.Shape[3];
        HostTensor y = Rows(type, x.Shape, rows);
        EachRow(y, columns, columns, rows, (n, at, p) =>
        {
            (int b, int h, int i) = (at / height / heads, at / height % heads, at % height);
            ReadOnlySpan<float> logits = x.Row(b, h, i);
            Span<float> row = y.Values.AsSpan(n * columns, columns);
            for (int j = 0; j < columns; j++)
                p[j] = row[j] = rule.Sees(b, h, i, j, height, columns)
                    ? Score(logits[j], rule, b, h, i, j, height, columns)
                    : float.NegativeInfinity;
            Softmax(p, (float)rule.SinkOf(h), out float lse);
            for (int j = 0; j < columns; j++)
                row[j] = HostTensor.Round(type, scores ? row[j] : !log ? p[j] : row[j] == float.NegativeInfinity ? row[j] : row[j] - lse);
        });
        return y;
    }

    /// <summary>
    /// C (batch, M, N) = f(alpha A B + beta C0 + bias), see <see cref="MatmulReference"/>, or <paramref name="rows"/> of it.
    /// </summary>
    /// <param name="m">The product.</param>
    /// <param name="rows">Null = all.</param>
    /// <param name="onTensorCores">Products of two fp16 or two bf16 matrices are summed as tensor cores sum them.</param>
    public static HostTensor Matmul(MatmulReference m, int[]? rows = null, bool onTensorCores = false)
    {
        bool cutsOff = onTensorCores && m.A.Type == m.B.Type && m.A.Type != DType.Float32;
        HostTensor c = Rows(m.TypeC, [m.Batch, m.M, m.N], rows);
        EachRow(c, m.N, 0, rows, (row, at, _) =>
        {
            (int b, int r) = (at / m.M, at % m.M);
            for (int n = 0; n < m.N; n++)
            {
                float value = m.Alpha * (cutsOff ? TensorProduct(m, b, r, n) : Product(m, b, r, n));
                if (m.C0 is not null) value += m.Beta * m.C0.Values[(at * m.N) + n];
                if (m.Bias is not null) value += m.Bias.Values[n];
                c.Values[(row * m.N) + n] = HostTensor.Round(m.TypeC, ActivationReference.Plain(m.Activation, value));
            }
        });
        return c;
    }

    private static float Product(MatmulReference m, int b, int row, int column)
    {
        float sum = 0;
        for (int k = 0; k < m.K; k++)
        {
            float a = m.ElementA(b, row, k);
            if (a != 0 || !m.ZeroHides) sum += Factor(m.InputPrecision, a) * Factor(m.InputPrecision, m.ElementB(b, k, column));
        }
        return sum;
    }

    private static float TensorProduct(MatmulReference m, int b, int row, int column)
    {
        Span<float> left = stackalloc float[TensorSum.Terms];
        Span<float> right = stackalloc float[TensorSum.Terms];
        float sum = 0;
        for (int first = 0; first < m.K; first += TensorSum.Terms)
        {
            left.Clear();
            right.Clear();
            for (int k = first; k < Math.Min(first + TensorSum.Terms, m.K); k++)
            {
                float a = m.ElementA(b, row, k);
                if (a != 0 || !m.ZeroHides) (left[k - first], right[k - first]) = (a, m.ElementB(b, k, column));
            }
            sum = TensorSum.Add(sum, left, right);
        }
        return sum;
    }

    /// <summary>What is multiplied of an element: of TF32 the nearest number of 11 significant bits.</summary>
    private static float Factor(InputPrecision precision, float value)
    {
        if (precision != InputPrecision.Tf32 || value == 0 || !float.IsFinite(value)) return value;
        int last = Math.ILogB(value) - 10;
        return (float)Math.ScaleB(Math.Round(Math.ScaleB(value, -last)), last);
    }

    private static HostTensor Rows(DType type, ReadOnlySpan<int> shape, int[]? rows) =>
        rows is null ? new(type, shape) : new(type, rows.Length, shape[^1]);

    /// <summary>Calls <paramref name="body"/> with each row of the result, its place in the whole result, and room for keys.</summary>
    private static void EachRow(HostTensor result, int length, int keys, int[]? rows, Action<int, int, float[]> body) =>
        Parallel.For(0, result.Values.Length / length, () => new float[keys], (n, _, p) =>
        {
            body(n, rows is null ? n : rows[n], p);
            return p;
        }, _ => { });

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
