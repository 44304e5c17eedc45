namespace AttnKernels.Verification;

/// <summary>What happens to the rows of Q and K before the dot product: rotary embedding by position, and normalisation.</summary>
public sealed record VectorRule
{
    /// <summary>Whether rows are divided by their Euclidean length; zero rows stay zero.</summary>
    public bool IsCosine { get; init; }

    /// <summary>(positions, rotaryDim / 2), or null: nothing turns.</summary>
    public HostTensor? Cos { get; init; }

    /// <summary>As <see cref="Cos"/>.</summary>
    public HostTensor? Sin { get; init; }

    /// <summary>Whether pairs are neighbours instead of halves.</summary>
    public bool IsInterleaved { get; init; }

    /// <summary>
    /// How many roundings of dS this adds: three for a turned element of Q and of K; the sum of squares, its root, the division.
    /// </summary>
    public int Roundings(int dim) => (Cos is null ? 0 : 6) + (IsCosine ? dim + 16 : 0);

    /// <summary>The rows of <paramref name="x"/> (batch, heads, rows, dim) at their positions, in double.</summary>
    public VectorRows Apply(HostTensor x, Func<int, int, int> position)
    {
        (int heads, int rows, int dim) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        VectorRows result = new(heads, rows, dim, new double[x.Values.Length], new double[x.Values.Length]);
        for (int line = 0; line < x.Values.Length / dim; line++)
            Apply(x.Values.AsSpan(line * dim, dim), position(line / rows / heads, line % rows),
                result.Values.AsSpan(line * dim, dim), result.Magnitudes.AsSpan(line * dim, dim));
        return result;
    }

    private void Apply(ReadOnlySpan<float> x, int position, Span<double> values, Span<double> magnitudes)
    {
        double squares = 0;
        foreach (float element in x)
            squares += (double)element * element;
        double factor = !IsCosine ? 1 : squares == 0 ? 0 : 1 / Math.Sqrt(squares);
        int pairs = Cos is null ? 0 : Cos.Shape[1];
        for (int d = 0; d < x.Length; d++)
        {
            double value = x[d], magnitude = Math.Abs(value);
            if (d < 2 * pairs)
            {
                int pair = IsInterleaved ? d / 2 : d % pairs;
                bool isFirst = IsInterleaved ? d % 2 == 0 : d < pairs;
                int partner = IsInterleaved ? d ^ 1 : isFirst ? d + pairs : d - pairs;
                bool isKnown = position >= 0 && position < Cos!.Shape[0];
                double cos = isKnown ? Cos!.Values[(position * pairs) + pair] : double.NaN,
                    sin = isKnown ? Sin!.Values[(position * pairs) + pair] : double.NaN;
                value = (x[d] * cos) + ((isFirst ? -1 : 1) * x[partner] * sin);
                magnitude = Math.Abs(x[d] * cos) + Math.Abs(x[partner] * sin);
            }
            values[d] = factor * value;
            magnitudes[d] = factor * magnitude;
        }
    }
}

/// <summary>Rows of Q or K before the dot product, (batch, heads, rows, dim).</summary>
/// <param name="Heads">Heads.</param>
/// <param name="Rows">Rows of a head.</param>
/// <param name="Dim">Elements of a row.</param>
/// <param name="Values">The elements.</param>
/// <param name="Magnitudes">What their rounding errors are relative to.</param>
public sealed record VectorRows(int Heads, int Rows, int Dim, double[] Values, double[] Magnitudes)
{
    /// <summary>Where a row starts.</summary>
    public int At(int b, int h, int row) => ((((b * Heads) + h) * Rows) + row) * Dim;
}
