namespace AttnKernels.Verification;

/// <summary>What an output must hold, and how far each of its elements may be off.</summary>
/// <param name="Name">The tensor's name in reports.</param>
/// <param name="Shape">Sizes, outermost first.</param>
/// <param name="Values">In double; -inf and NaN where the contract says so.</param>
/// <param name="Bounds">Absolute, per element.</param>
public sealed record Expected(string Name, int[] Shape, double[] Values, double[] Bounds)
{
    /// <summary>An expectation of zeros, to be filled in.</summary>
    public Expected(string name, params int[] shape)
        : this(name, shape, new double[HostTensor.Count(shape)], new double[HostTensor.Count(shape)])
    {
    }
}

/// <summary>The three results of attention: <see cref="O"/>, <see cref="Lse"/> and the weights <see cref="P"/> (or null).</summary>
public sealed record ExpectedAttention(Expected O, Expected Lse, Expected? P);

/// <summary>The two results of softmax.</summary>
public sealed record ExpectedSoftmax(Expected Y, Expected Lse);

/// <summary>The references in double with the derived bounds, row by row. Heads are spread over the processors, sums are not.</summary>
public static class References
{
    /// <summary>
    /// O = softmax(score(Q K^T)) V, LSE and, on request, P, for Q (batch, headsQ, seqQ, headDim), K (batch, headsKv, seqKv, headDim) and
    /// V (batch, headsKv, seqKv, headDimV). O is stored in Q's type, LSE and P in fp32.
    /// </summary>
    public static ExpectedAttention Attention(HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, bool weights = false)
    {
        int batch = q.Shape[0], heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2];
        int dimV = v.Shape[3], group = heads / k.Shape[1];
        Expected o = new("O", batch, heads, queries, dimV);
        Expected lse = new("LSE", batch, heads, queries);
        Expected? p = weights ? new("P", batch, heads, queries, keys) : null;
        DType type = q.Type;
        Parallel.For(0, batch * heads, bh =>
        {
            (int b, int h) = (bh / heads, bh % heads);
            ScoreRow row = new(keys);
            RowBound bound = new(keys);
            for (int i = 0; i < queries; i++)
            {
                int at = (bh * queries) + i;
                row.FromQuery(q.Row(b, h, i), k, h / group, rule, b, h, i, queries);
                bound.Compute(row, rule, q.Shape[3], type);
                lse.Values[at] = row.Lse;
                lse.Bounds[at] = bound.Lse + (Rounding.U * Math.Abs(row.Lse));
                if (p is not null) Weights(row, bound, DType.Float32, p, at * keys);
                Output(row, bound, v, b, h / group, type, o, at * dimV);
            }
        });
        return new ExpectedAttention(o, lse, p);
    }

    /// <summary>Y = softmax(score(X)) or its logarithm per row of X (batch, heads, rows, columns), stored as <paramref name="type"/>; and LSE.</summary>
    public static ExpectedSoftmax Softmax(HostTensor x, ScoreRule rule, bool log, DType type)
    {
        int batch = x.Shape[0], heads = x.Shape[1], rows = x.Shape[2], columns = x.Shape[3];
        Expected y = new("Y", batch, heads, rows, columns);
        Expected lse = new("LSE", batch, heads, rows);
        Parallel.For(0, batch * heads, bh =>
        {
            (int b, int h) = (bh / heads, bh % heads);
            ScoreRow row = new(columns);
            RowBound bound = new(columns);
            for (int i = 0; i < rows; i++)
            {
                int at = (bh * rows) + i;
                row.FromLogits(x.Row(b, h, i), rule, b, h, i, rows);
                bound.Compute(row, rule, 0, DType.Float32);
                lse.Values[at] = row.Lse;
                lse.Bounds[at] = bound.Lse + (Rounding.U * Math.Abs(row.Lse));
                if (log)
                    LogWeights(row, bound, type, y, at * columns);
                else
                    Weights(row, bound, type, y, at * columns);
            }
        });
        return new ExpectedSoftmax(y, lse);
    }

    /// <summary>C (batch, M, N) of <paramref name="m"/>.</summary>
    public static Expected Matmul(MatmulReference m)
    {
        Expected c = new("C", m.Batch, m.M, m.N);
        DType operands = m.A.Type == DType.Float32 || m.B.Type == DType.Float32 ? DType.Float32 : m.A.Type;
        double gamma = Rounding.Gamma(m.K, Rounding.Step(operands)) + (4 * Rounding.U), u = Rounding.Unit(m.TypeC);
        int rows = m.M, columns = m.N, k = m.K;
        Parallel.For(0, m.Batch * rows, index =>
        {
            (int b, int row) = (index / rows, index % rows);
            for (int column = 0; column < columns; column++)
            {
                double value = m.Element(b, row, column, out double magnitude);
                double error = (gamma * magnitude) + (k * Rounding.Flush);
                c.Values[(index * columns) + column] = value;
                c.Bounds[(index * columns) + column] = error + (u * (Math.Abs(value) + error)) + Rounding.Tiny(m.TypeC);
            }
        });
        return c;
    }

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

    private static void Output(ScoreRow row, RowBound bound, HostTensor v, int b, int headKv, DType type, Expected o, int at)
    {
        int dimV = v.Shape[3];
        double unitP = type == DType.Float32 ? 0 : Rounding.Unit(type), tinyP = Rounding.Tiny(type), unitO = Rounding.Unit(type);
        double factor = ((1 + unitP) * (1 + Rounding.Gamma(row.Count, Rounding.Step(type)))) - 1;
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
