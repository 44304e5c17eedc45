namespace AttnKernels.Verification;

/// <summary>The reference of merging partial attention results.</summary>
public static class MergeReferences
{
    /// <summary>
    /// O and LSE of PartsO (parts * batch, heads, seq, dim) and PartsLse (parts * batch, heads, seq), O stored as <paramref name="type"/>.
    /// </summary>
    /// <remarks>
    /// The exponent of a weight is a difference of two fp32 numbers times log2(e): 4u |LSE_p - max| of absolute error, and one exponential.
    /// With r_p the relative error of w_p and r their weighted mean, the sum is off by r and gamma_n, and O by both and by its own sum of
    /// n terms.
    /// </remarks>
    public static (Expected O, Expected Lse) Merge(HostTensor partsO, HostTensor partsLse, int batch, DType type)
    {
        int parts = partsO.Shape[0] / batch, heads = partsO.Shape[1], seq = partsO.Shape[2], dim = partsO.Shape[3];
        int rows = batch * heads * seq;
        Expected o = new("O", [batch, heads, seq, dim], dim), lse = new("LSE", [batch, heads, seq], 1);
        double unit = Rounding.Unit(type), terms = Rounding.Gamma(parts + 2);
        for (int row = 0; row < rows; row++)
        {
            double[] lses = [.. Enumerable.Range(0, parts).Select(p => (double)partsLse.Values[(p * rows) + row])];
            double max = lses.Any(double.IsNaN) ? double.NaN : lses.Max();
            lse.Values[row] = double.NegativeInfinity;
            if (double.IsNegativeInfinity(max)) continue;
            double sum = lses.Sum(l => Math.Exp(l - max)), mean = 0;
            double[] weights = [.. lses.Select(l => Math.Exp(l - max) / sum)];
            double[] errors = [.. lses.Select(l => (Math.Exp(4 * Rounding.U * (max - l)) * (1 + Rounding.Exp2)) - 1)];
            for (int p = 0; p < parts; p++) mean += weights[p] == 0 ? 0 : weights[p] * errors[p];
            mean += terms;
            lse.Values[row] = max + Math.Log(sum);
            lse.Bounds[row] = (2 * mean) + (Rounding.Log * (1 + Math.Log(sum)))
                + (4 * Rounding.U * (Math.Abs(max) + Math.Abs(lse.Values[row])));
            for (int d = 0; d < dim; d++)
            {
                double value = 0, error = 0;
                for (int p = 0; p < parts; p++)
                {
                    if (weights[p] == 0) continue;
                    double element = partsO.Values[(((p * rows) + row) * dim) + d];
                    value += weights[p] * element;
                    error += (weights[p] * Math.Abs(element) * (((1 + errors[p]) * (1 + terms) / (1 - mean)) - 1))
                        + (Rounding.Flush * Math.Abs(element));
                }
                o.Values[(row * dim) + d] = value;
                o.Bounds[(row * dim) + d] = error + (unit * (Math.Abs(value) + error)) + Rounding.Tiny(type);
            }
        }
        return (o, lse);
    }
}
