namespace AttnKernels.Verification;

/// <summary>How a result compares with what was expected: the worst element by error / bound.</summary>
/// <param name="Tensor">Name of the result.</param>
/// <param name="Worst">Largest error / bound; above 1 the comparison has failed; +inf where an expected NaN, infinity or exact value is
/// missed.</param>
/// <param name="At">Index of that element.</param>
/// <param name="Expected">What was expected there.</param>
/// <param name="Got">What was found there.</param>
/// <param name="Bound">How far it could be off.</param>
/// <param name="Failures">How many elements are outside their bounds.</param>
/// <param name="MaxError">Largest absolute error over the elements expected to be finite.</param>
public sealed record Comparison(
    string Tensor, double Worst, int[] At, double Expected, double Got, double Bound, long Failures, double MaxError)
{
    /// <summary>A result of so many elements is not within bounds above its largest element by luck.</summary>
    private const int LeastElements = 16;

    /// <summary>Whether every element is within its bound, and the bounds prove something.</summary>
    public bool Passed => Failures == 0 && !ProvesNothing;

    /// <summary>Every bound is above the largest element expected: zeros would pass.</summary>
    public bool ProvesNothing { get; private init; }

    /// <summary>
    /// Compares element by element. The test is <c>!(error &lt;= bound)</c>, so a NaN fails, except where NaN is expected: there anything
    /// else fails. An infinity must be that infinity.
    /// </summary>
    /// <exception cref="InvalidOperationException">A bound is negative or not finite, so the comparison would accept anything; or there is
    /// no element to compare.</exception>
    public static Comparison Of(Expected expected, ReadOnlySpan<float> got)
    {
        int count = HostTensor.Count(expected.Shape);
        if (got.Length != count)
            throw new ArgumentException($"{got.Length} elements of {expected.Name}, {count} expected", nameof(got));

        if (expected.Values.Length == 0) throw new InvalidOperationException($"{expected.Name}: no element was compared");
        double worst = -1, maxError = 0, largest = 0, leastBound = double.PositiveInfinity;
        int worstAt = 0;
        long failures = 0;
        for (int n = 0; n < expected.Values.Length; n++)
        {
            double value = expected.Values[n], bound = expected.Bounds[n], ratio;
            float result = got[(int)expected.OffsetOf(n)];
            if (!double.IsFinite(value))
            {
                ratio = (double.IsNaN(value) ? float.IsNaN(result) : result == value) ? 0 : double.PositiveInfinity;
            }
            else
            {
                if (!double.IsFinite(bound) || bound < 0)
                    throw new InvalidOperationException($"{expected.Name}: element {n} has the bound {bound}, which checks nothing");
                (largest, leastBound) = (Math.Max(largest, Math.Abs(value)), Math.Min(leastBound, bound));
                double error = Math.Abs(result - value);
                ratio = error == 0 ? 0 : error / bound;
                if (!(error <= bound)) ratio = double.IsNaN(error) ? double.PositiveInfinity : ratio;
                maxError = Math.Max(maxError, double.IsNaN(error) ? double.PositiveInfinity : error);
            }
            if (!(ratio <= 1)) failures++;
            if (ratio > worst) (worst, worstAt) = (ratio, n);
        }
        long offset = expected.OffsetOf(worstAt);
        return new Comparison(expected.Name, worst, HostTensor.IndexOf(expected.Shape, offset), expected.Values[worstAt], got[(int)offset],
            expected.Bounds[worstAt], failures, maxError)
        {
            ProvesNothing = expected.Values.Length >= LeastElements && largest > 0 && leastBound > largest,
        };
    }

    /// <summary>Where and by how much, in one line.</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Tensor}[{string.Join(',', At)}]: expected {Expected:G9}, got {Got:G9}, bound {Bound:G3}, ")
        + FormattableString.Invariant($"error/bound {Worst:G3}, {Failures} elements outside")
        + (ProvesNothing ? "; the bounds are above every element and prove nothing" : "");
}
