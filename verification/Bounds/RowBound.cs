namespace AttnKernels.Verification;

/// <summary>
/// How far the softmax of one row may be from the truth when it is computed as the contract says: fp32 arithmetic, base-2 exponentials, the
/// running maximum and sum of the online softmax, any tile and any order. README.md derives each line.
/// </summary>
public sealed class RowBound(int keys)
{
    /// <summary>dS: absolute error of each score.</summary>
    public double[] Score { get; } = new double[keys];

    /// <summary>Absolute error of each score before the maximum is subtracted.</summary>
    public double[] Unshifted { get; } = new double[keys];

    /// <summary>dL: how much the errors of the scores can move the logarithm of their sum.</summary>
    public double Sum { get; private set; }

    /// <summary>Relative error of a weight apart from dS: exponentials, rescaling, the sum and the division.</summary>
    public double Common { get; private set; }

    /// <summary>Absolute error of the row's natural log-sum-exp.</summary>
    public double Lse { get; private set; }

    /// <summary>Computes the bounds of <paramref name="row"/>, whose dot products have <paramref name="length"/> terms (0: given
    /// logits).</summary>
    public void Compute(ScoreRow row, ScoreRule rule, int length, DType operands)
    {
        const double u = Rounding.U;
        double step = Rounding.Step(operands);
        double raised = 0, lowered = 0;
        int terms = row.Count, scales = rule.HeadScales is null ? 1 : 2;
        if (!double.IsNegativeInfinity(row.Sink))
        {
            double weight = Math.Exp(row.Sink - row.Lse), error = u * ((3 * Math.Abs(row.Sink)) + Math.Abs(row.Sink - row.Max));
            raised += weight * Math.Exp(error);
            lowered += weight * Math.Exp(-error);
            terms++;
        }
        for (int j = 0; j < keys; j++)
        {
            if (!row.Visible[j]) continue;
            double error = (Rounding.Gamma(length + scales, step) * row.Magnitude[j]) + ((2 + scales) * u * Math.Abs(row.Scaled[j]));
            if (rule.Softcap > 0) error += (rule.Softcap * Rounding.Tanh) + (3 * u * Math.Abs(row.Scaled[j]));
            error += 3 * u * (Math.Abs(row.Capped[j]) + row.Added[j]);
            if (rule.Modifier is not null)
            {
                error = (rule.Modifier.Slope * (error + (2 * u * Math.Abs(row.Unmodified[j]))))
                    + (Rounding.Log * row.Modified[j]) + (2 * u * Math.Abs(row.Score[j]));
            }
            Unshifted[j] = error;
            error += u * Math.Abs(row.Score[j] - row.Max);
            Score[j] = error;
            raised += row.Weight[j] * Math.Exp(error);
            lowered += row.Weight[j] * Math.Exp(-error);
        }

        // Every 16 keys may raise the running maximum once, and the partial sums of up to 256 lanes are merged in 8 steps; a sink once
        // more.
        double rescales = Math.Min(terms - 1, 8 + (row.Count / 16.0) + terms - row.Count);
        double exponential = Rounding.Exp2 + (Math.Max(0, rescales) * (Rounding.Exp2 + (2 * u)));
        double sum = Rounding.Gamma(terms, u);
        Sum = Math.Max(Math.Log(raised), -Math.Log(lowered));
        Common = exponential < 1 && sum < 1
            ? ((1 + exponential) / (1 - exponential) * (1 + (4 * u)) / (1 - sum)) - 1
            : double.PositiveInfinity;
        Lse = Sum + (2 * (exponential + sum)) + (Rounding.Log * (1 + Math.Abs(row.Lse - row.Max)))
            + (4 * u * (Math.Abs(row.Max) + Math.Abs(row.Lse)));
        if (terms == 0) (Sum, Common, Lse) = (0, 0, 0);
    }

    /// <summary>Relative error of the weight of key <paramref name="j"/> after a further relative error
    /// <paramref name="factor"/>.</summary>
    public double Relative(int j, double factor = 0) =>
        (Math.Exp(Score[j] + Sum) * (1 + Common) * (1 + factor)) - 1;
}
