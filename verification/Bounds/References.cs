namespace AttnKernels.Verification;

/// <summary>
/// The references in double with the derived bounds, for all rows of a result or for a sample of them. Rows are spread over the processors,
/// sums are not.
/// </summary>
public static class References
{
    /// <summary>
    /// O = softmax(score(Q K^T)) V, LSE and, on request, P, for Q (batch, headsQ, seqQ, headDim), K (batch, headsKv, seqKv, headDim) and
    /// V (batch, headsKv, seqKv, headDimV). O is stored in Q's type, LSE and P in fp32. The precision widens the bounds alone.
    /// </summary>
    public static ExpectedAttention Attention(
        HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, bool weights = false, int[]? rows = null,
        InputPrecision precision = InputPrecision.Ieee) =>
        Attention(q, k, v, rule, weights, rows, Rounding.Terms(q.Shape[3], precision), precision,
            (row, b, h, headKv, i) => row.FromQuery(q.Row(b, h, i), k, headKv, rule, b, h, i, q.Shape[2]));

    /// <summary>The same where the rows of Q and K are changed first: those of their positions (batch entry, row).</summary>
    public static ExpectedAttention Attention(
        HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, VectorRule vectors, Func<int, int, int> positionQ,
        Func<int, int, int> positionKv,
        int[]? rows = null)
    {
        VectorRows changedQ = vectors.Apply(q, positionQ), changedK = vectors.Apply(k, positionKv);
        return Attention(q, k, v, rule, false, rows, q.Shape[3] + vectors.Roundings(q.Shape[3]), InputPrecision.Ieee,
            (row, b, h, headKv, i) => row.FromVectors(changedQ, changedK, headKv, rule, b, h, i));
    }

    private static ExpectedAttention Attention(
        HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, bool weights, int[]? rows, int length, InputPrecision precision,
        Action<ScoreRow, int, int, int, int> scores)
    {
        int batch = q.Shape[0], heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2];
        int dimV = v.Shape[3], group = heads / k.Shape[1];
        Expected o = new("O", [batch, heads, queries, dimV], dimV, rows);
        Expected lse = new("LSE", [batch, heads, queries], 1, rows);
        Expected? p = weights ? new("P", [batch, heads, queries, keys], keys, rows) : null;
        DType type = q.Type;
        EachRow(lse, keys, (n, at, row, bound) =>
        {
            (int b, int h, int i) = Split(at, heads, queries);
            scores(row, b, h, h / group, i);
            bound.Compute(row, rule, length, type);
            lse.Values[n] = row.Lse;
            lse.Bounds[n] = bound.Lse;
            if (p is not null) Weights(row, bound, DType.Float32, p, n * keys);
            Output(row, bound, v, b, h / group, type, precision, o, n * dimV);
        });
        return new ExpectedAttention(o, lse, p);
    }

    /// <summary>Y = softmax(score(X)) or its logarithm per row of X (batch, heads, rows, columns), stored as <paramref name="type"/>; and
    /// LSE.</summary>
    public static ExpectedSoftmax Softmax(HostTensor x, ScoreRule rule, bool log, DType type, int[]? rows = null, bool scores = false)
    {
        int batch = x.Shape[0], heads = x.Shape[1], height = x.Shape[2], columns = x.Shape[3];
        Expected y = new("Y", [batch, heads, height, columns], columns, rows);
        Expected lse = new("LSE", [batch, heads, height], 1, rows);
        EachRow(lse, columns, (n, at, row, bound) =>
        {
            (int b, int h, int i) = Split(at, heads, height);
            row.FromLogits(x.Row(b, h, i), rule, b, h, i, height);
            bound.Compute(row, rule, 0, DType.Float32);
            lse.Values[n] = row.Lse;
            lse.Bounds[n] = bound.Lse;
            if (scores)
                Scores(row, bound, type, y, n * columns);
            else if (log)
                LogWeights(row, bound, type, y, n * columns);
            else
                Weights(row, bound, type, y, n * columns);
        });
        return new ExpectedSoftmax(y, lse);
    }

    /// <summary>C (batch, M, N) of <paramref name="m"/>; a row is a row of C.</summary>
    public static Expected Matmul(MatmulReference m, int[]? rows = null)
    {
        int height = m.M, columns = m.N, k = m.K;
        Expected c = new("C", [m.Batch, height, columns], columns, rows);
        DType operands = m.A.Type == DType.Float32 || m.B.Type == DType.Float32 ? DType.Float32 : m.A.Type;
        double factors = Rounding.Factors(m.InputPrecision);
        double sum = Rounding.Gamma(Rounding.Terms(k, m.InputPrecision), Rounding.Step(operands, m.InputPrecision));
        double gamma = factors + ((1 + factors) * sum) + (4 * Rounding.U), u = Rounding.Unit(m.TypeC);
        Parallel.For(0, c.Values.Length / columns, n =>
        {
            int at = (int)(c.OffsetOf(n * columns) / columns);
            for (int column = 0; column < columns; column++)
            {
                double value = m.Element(at / height, at % height, column, out double magnitude);
                double error = (gamma * magnitude) + (k * Rounding.Flush);
                if (m.Activation != Activation.None) error = Activated(m.Activation, ref value, error);
                c.Values[(n * columns) + column] = value;
                c.Bounds[(n * columns) + column] = error + (u * (Math.Abs(value) + error)) + Rounding.Tiny(m.TypeC);
            }
        });
        return c;
    }

    /// <summary>f(value) and its error: what the argument's becomes, and that of computing f (verification/README.md).</summary>
    private static double Activated(Activation activation, ref double value, double error)
    {
        value = ActivationReference.Apply(activation, value);
        error *= ActivationReference.Slope(activation);
        return activation == Activation.Relu ? error : error + (4 * Rounding.U * (1 + Math.Abs(value) + error));
    }

    private static void EachRow(Expected rows, int keys, Action<int, int, ScoreRow, RowBound> body) =>
        Parallel.For(0, rows.Values.Length, () => (Row: new ScoreRow(keys), Bound: new RowBound(keys)), (n, _, buffers) =>
        {
            body(n, (int)rows.OffsetOf(n), buffers.Row, buffers.Bound);
            return buffers;
        }, _ => { });

    private static (int B, int H, int I) Split(int row, int heads, int queries) =>
        (row / queries / heads, row / queries % heads, row % queries);

    private static void Weights(ScoreRow row, RowBound bound, DType type, Expected p, int at)
    {
        double u = Rounding.Unit(type), tiny = Rounding.Flush + Rounding.Tiny(type);
        for (int j = 0; j < row.Weight.Length; j++)
        {
            if (!row.Visible[j]) continue;
            double error = row.Weight[j] * bound.Relative(j);
            p.Values[at + j] = row.Weight[j];
            p.Bounds[at + j] = error + (u * (row.Weight[j] + error)) + tiny;
        }
    }

    private static void LogWeights(ScoreRow row, RowBound bound, DType type, Expected y, int at)
    {
        double u = Rounding.Unit(type);
        for (int j = 0; j < row.Weight.Length; j++)
        {
            y.Values[at + j] = double.NegativeInfinity;
            if (!row.Visible[j]) continue;
            double value = row.Score[j] - row.Lse;
            double error = bound.Score[j] + bound.Lse + (2 * Rounding.U * (Math.Abs(row.Score[j]) + Math.Abs(row.Lse)));
            y.Values[at + j] = value;
            y.Bounds[at + j] = error + (u * (Math.Abs(value) + error)) + Rounding.Tiny(type);
        }
    }

    private static void Scores(ScoreRow row, RowBound bound, DType type, Expected y, int at)
    {
        for (int j = 0; j < row.Score.Length; j++)
        {
            y.Values[at + j] = row.Score[j];
            if (!row.Visible[j]) continue;
            double error = bound.Unshifted[j];
            y.Bounds[at + j] = error + (Rounding.Unit(type) * (Math.Abs(row.Score[j]) + error)) + Rounding.Tiny(type);
        }
    }

    private static void Output(
        ScoreRow row, RowBound bound, HostTensor v, int b, int headKv, DType type, InputPrecision precision, Expected o, int at)
    {
        int dimV = v.Shape[3];
        double unitP = type == DType.Float32 ? 0 : Rounding.Unit(type), tinyP = Rounding.Tiny(type), unitO = Rounding.Unit(type);
        double factor = ((1 + unitP) * (1 + Rounding.Gamma(Rounding.Terms(row.Count, precision), Rounding.Step(type)))) - 1;
        Span<double> value = o.Values.AsSpan(at, dimV), error = o.Bounds.AsSpan(at, dimV);
        for (int j = 0; j < row.Weight.Length; j++)
        {
            if (!row.Visible[j]) continue;
            double weight = row.Weight[j], slack = (weight * bound.Relative(j, factor)) + tinyP;
            ReadOnlySpan<float> values = v.Row(b, headKv, j);
            for (int d = 0; d < dimV; d++)
            {
                value[d] += weight * values[d];
                error[d] += slack * Math.Abs(values[d]);
            }
        }
        for (int d = 0; d < dimV; d++)
            error[d] += (unitO * (Math.Abs(value[d]) + error[d])) + (row.Count == 0 ? 0 : Rounding.Tiny(type));
    }
}
