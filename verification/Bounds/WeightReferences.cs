namespace AttnKernels.Verification;

/// <summary>The reference of the weights of chosen rows.</summary>
public static class WeightReferences
{
    /// <summary>
    /// P (rows, keys) = exp(score(q K^T) - LSE) for <paramref name="rows"/> (rows, 3), which hold batch entry, head and query.
    /// </summary>
    /// <remarks>
    /// The score is off by dS, an LSE that a fused run computed by its own bound, and the exponent, a difference of the two times
    /// log2(e), by
    /// 4u |s - LSE| + u |LSE|; then comes one exponential.
    /// </remarks>
    public static Expected Of(
        HostTensor q, HostTensor k, ScoreRule rule, HostTensor rows, InputPrecision precision = InputPrecision.Ieee) =>
        Of(q, k, rule, rows, Rounding.Terms(q.Shape[3], precision),
            (row, b, h, headKv, i) => row.FromQuery(q.Row(b, h, i), k, headKv, rule, b, h, i, q.Shape[2]));

    /// <summary>The same where the rows of Q and K are changed first: those of their positions (batch entry, row).</summary>
    public static Expected Of(
        HostTensor q, HostTensor k, ScoreRule rule, HostTensor rows, VectorRule vectors,
        Func<int, int, int> positionQ, Func<int, int, int> positionKv)
    {
        VectorRows changedQ = vectors.Apply(q, positionQ), changedK = vectors.Apply(k, positionKv);
        return Of(q, k, rule, rows, q.Shape[3] + vectors.Roundings(q.Shape[3]),
            (row, b, h, headKv, i) => row.FromVectors(changedQ, changedK, headKv, rule, b, h, i));
    }

    private static Expected Of(
        HostTensor q, HostTensor k, ScoreRule rule, HostTensor rows, int length, Action<ScoreRow, int, int, int, int> scores)
    {
        int count = rows.Shape[0], keys = k.Shape[2], group = q.Shape[1] / k.Shape[1];
        Expected p = new("P of chosen rows", [count, keys], keys);
        ScoreRow row = new(keys);
        RowBound bound = new(keys);
        for (int n = 0; n < count; n++)
        {
            (int b, int h, int i) = ((int)rows.Values[3 * n], (int)rows.Values[(3 * n) + 1], (int)rows.Values[(3 * n) + 2]);
            scores(row, b, h, h / group, i);
            bound.Compute(row, rule, length, q.Type);
            for (int j = 0; j < keys; j++)
            {
                if (!row.Visible[j]) continue;
                double exponent = bound.Score[j] + bound.Lse
                    + (Rounding.U * ((4 * Math.Abs(row.Score[j] - row.Lse)) + Math.Abs(row.Lse)));
                p.Values[(n * keys) + j] = row.Weight[j];
                p.Bounds[(n * keys) + j] = (row.Weight[j] * ((Math.Exp(exponent) * (1 + Rounding.Exp2)) - 1)) + Rounding.Flush;
            }
        }
        return p;
    }
}
