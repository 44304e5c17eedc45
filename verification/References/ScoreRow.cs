namespace AttnKernels.Verification;

/// <summary>
/// One row of scores in double, its softmax, and the parts that the error bound needs. Reused from row to row.
/// </summary>
/// <remarks>A hidden key has weight 0 and is never read: what its K and V hold cannot matter.</remarks>
public sealed class ScoreRow(int keys)
{
    /// <summary>Whether the query sees the key.</summary>
    public bool[] Visible { get; } = new bool[keys];

    /// <summary>scale * headScale * dot.</summary>
    public double[] Scaled { get; } = new double[keys];

    /// <summary>|scale| * sum of |q||k|: what the rounding error of the dot product is relative to.</summary>
    public double[] Magnitude { get; } = new double[keys];

    /// <summary>The score after the softcap.</summary>
    public double[] Capped { get; } = new double[keys];

    /// <summary>|bias| + |ALiBi term|.</summary>
    public double[] Added { get; } = new double[keys];

    /// <summary>The score before the user's rule.</summary>
    public double[] Unmodified { get; } = new double[keys];

    /// <summary>What the rounding error of the user's rule is relative to.</summary>
    public double[] Modified { get; } = new double[keys];

    /// <summary>The score.</summary>
    public double[] Score { get; } = new double[keys];

    /// <summary>softmax(score).</summary>
    public double[] Weight { get; } = new double[keys];

    /// <summary>The score without a key; -inf where there is none.</summary>
    public double Sink { get; private set; }

    /// <summary>How many keys are visible.</summary>
    public int Count { get; private set; }

    /// <summary>The largest visible score, or the sink; -inf where there is neither.</summary>
    public double Max { get; private set; }

    /// <summary>Natural logarithm of the sum of exp(score) and exp(sink); -inf where there is neither.</summary>
    public double Lse { get; private set; }

    /// <summary>The row of query <paramref name="i"/>: scores of <paramref name="q"/> (headDim) against the keys of one head.</summary>
    public void FromQuery(ReadOnlySpan<float> q, HostTensor k, int headKv, ScoreRule rule, int b, int h, int i, int queries)
    {
        for (int j = 0; j < keys; j++)
        {
            Visible[j] = rule.Sees(b, h, i, j, queries, keys);
            if (!Visible[j]) continue;
            ReadOnlySpan<float> key = k.Row(b, headKv, j);
            double dot = 0, magnitude = 0;
            for (int d = 0; d < q.Length; d++)
            {
                double product = (double)q[d] * key[d];
                dot += product;
                magnitude += Math.Abs(product);
            }
            Scaled[j] = rule.ScaleOf(h) * dot;
            Magnitude[j] = Math.Abs(rule.ScaleOf(h)) * magnitude;
        }
        Finish(rule, b, h, i, queries);
    }

    /// <summary>As <see cref="FromQuery"/>, of rows that were changed before the dot product.</summary>
    public void FromVectors(VectorRows q, VectorRows k, int headKv, ScoreRule rule, int b, int h, int i)
    {
        int from = q.At(b, h, i);
        for (int j = 0; j < keys; j++)
        {
            Visible[j] = rule.Sees(b, h, i, j, q.Rows, keys);
            if (!Visible[j]) continue;
            int key = k.At(b, headKv, j);
            double dot = 0, magnitude = 0;
            for (int d = 0; d < q.Dim; d++)
            {
                dot += q.Values[from + d] * k.Values[key + d];
                magnitude += q.Magnitudes[from + d] * k.Magnitudes[key + d];
            }
            Scaled[j] = rule.ScaleOf(h) * dot;
            Magnitude[j] = Math.Abs(rule.ScaleOf(h)) * magnitude;
        }
        Finish(rule, b, h, i, q.Rows);
    }

    /// <summary>The row of given logits <paramref name="x"/>, which take the place of dot products.</summary>
    public void FromLogits(ReadOnlySpan<float> x, ScoreRule rule, int b, int h, int i, int rows)
    {
        for (int j = 0; j < keys; j++)
        {
            Visible[j] = rule.Sees(b, h, i, j, rows, keys);
            if (!Visible[j]) continue;
            Scaled[j] = rule.ScaleOf(h) * x[j];
            Magnitude[j] = 0;
        }
        Finish(rule, b, h, i, rows);
    }

    private void Finish(ScoreRule rule, int b, int h, int i, int queries)
    {
        int aligned = rule.AlignedKey(b, i, queries, keys);
        double slope = rule.Slope(b, h);
        Count = 0;
        Max = Sink = rule.SinkOf(h);
        for (int j = 0; j < keys; j++)
        {
            Weight[j] = 0;
            Score[j] = double.NegativeInfinity;
            if (!Visible[j]) continue;
            Count++;
            Capped[j] = rule.Softcap > 0 ? rule.Softcap * Math.Tanh(Scaled[j] / rule.Softcap) : Scaled[j];
            double bias = rule.Bias?.Broadcast(b, h, i, j) ?? 0;
            double alibi = slope * Math.Abs(aligned - j);
            Added[j] = Math.Abs(bias) + Math.Abs(alibi);
            Score[j] = Unmodified[j] = Capped[j] + bias - alibi;
            if (rule.Modifier is not null) (Score[j], Modified[j]) = rule.Modifier.Modify(Score[j], b, h, i, j, aligned);
            if (!(Score[j] <= Max)) Max = double.IsNaN(Max) ? Max : Score[j];
        }

        double sum = double.IsNegativeInfinity(Sink) ? 0 : Math.Exp(Sink - Max);
        for (int j = 0; j < keys; j++)
            if (Visible[j])
                sum += Weight[j] = Math.Exp(Score[j] - Max);
        Lse = Count == 0 && double.IsNegativeInfinity(Sink) ? double.NegativeInfinity : Max + Math.Log(sum);
        for (int j = 0; j < keys; j++)
            if (Visible[j])
                Weight[j] /= sum;
    }
}
