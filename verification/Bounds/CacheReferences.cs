namespace AttnKernels.Verification;

/// <summary>The references of what happens to Q, K and V before attention: rotary embedding and the append to a cache.</summary>
public static class CacheReferences
{
    /// <summary>
    /// Y of X (batch, heads, seq, dim): of the first <paramref name="rotaryDim"/> elements each pair (a, b) becomes (a cos - b sin, b cos
    /// + a sin), neighbours or halves; the rest is copied. The angles of token (b, s) are row <paramref name="positions"/>[b, s] of the
    /// tables. A turned element costs two products and a sum, so three roundings of |a cos| + |b sin|; a copied one must be equal.
    /// </summary>
    public static Expected Rotary(HostTensor x, HostTensor cos, HostTensor sin, int[] positions, int rotaryDim, bool interleaved)
    {
        (int heads, int seq, int dim) = (x.Shape[1], x.Shape[2], x.Shape[3]);
        int pairs = rotaryDim / 2;
        double u = Rounding.Unit(x.Type);
        Expected y = new("Y", [x.Shape[0], heads, seq, dim], dim);
        for (int n = 0; n < x.Values.Length; n++)
        {
            int d = n % dim, s = n / dim % seq, b = n / dim / seq / heads;
            y.Values[n] = x.Values[n];
            if (d >= rotaryDim) continue;
            int pair = interleaved ? d / 2 : d % pairs, angle = (positions[(b * seq) + s] * pairs) + pair;
            bool isFirst = interleaved ? d % 2 == 0 : d < pairs;
            int step = interleaved ? 1 : pairs, partner = isFirst ? n + step : n - step;
            double own = (double)x.Values[n] * cos.Values[angle], other = (double)x.Values[partner] * sin.Values[angle];
            double error = Rounding.Gamma(3) * (Math.Abs(own) + Math.Abs(other));
            y.Values[n] = isFirst ? own - other : own + other;
            y.Bounds[n] = error + (u * (Math.Abs(y.Values[n]) + error)) + Rounding.Tiny(x.Type);
        }
        return y;
    }

    /// <summary>
    /// The cache after row r of the update's entry b went to the row of the cache's entry that <paramref name="place"/> says, and its
    /// scales. Exact where types are equal or round. An Int8 cache has scale = max |x| / 127 and the integers nearest to x / scale, ties to
    /// even: a division may be off by 4u on some devices, so that an x / scale within 8u of a tie may go to either side.
    /// </summary>
    public static (Expected Cache, Expected Scales) Append(
        HostTensor cache, HostTensor scales, HostTensor update, Func<int, int, (int Entry, int Row)> place)
    {
        (int heads, int rows, int dim, int height) = (cache.Shape[1], cache.Shape[2], cache.Shape[3], update.Shape[2]);
        Expected after = new("cache", cache.Shape.ToArray(), dim), afterScales = new("scales", scales.Shape.ToArray(), 1);
        for (int n = 0; n < cache.Values.Length; n++)
            after.Values[n] = cache.Values[n];
        for (int n = 0; n < scales.Values.Length; n++)
            afterScales.Values[n] = scales.Values[n];
        for (int line = 0; line < update.Values.Length / dim; line++)
        {
            (int r, int h, int b) = (line % height, line / height % heads, line / height / heads);
            (int entry, int row) = place(b, r);
            int at = (((entry * heads) + h) * rows) + row;
            ReadOnlySpan<float> x = update.Values.AsSpan(line * dim, dim);
            Span<double> values = after.Values.AsSpan(at * dim, dim), bounds = after.Bounds.AsSpan(at * dim, dim);
            if (cache.Type != DType.Int8)
            {
                for (int d = 0; d < dim; d++)
                    values[d] = HostTensor.Round(cache.Type, x[d]);
                continue;
            }
            double max = 0;
            bool isFinite = true;
            foreach (float value in x)
            {
                max = Math.Max(max, Math.Abs(value));
                isFinite &= float.IsFinite(value);
            }
            double scale = isFinite ? max / 127 : double.NaN;
            afterScales.Values[at] = scale;
            afterScales.Bounds[at] = isFinite ? 4 * Rounding.U * scale : 0;
            for (int d = 0; d < dim; d++)
            {
                double code = scale > 0 ? x[d] / scale : 0;
                values[d] = Math.Round(code);
                bounds[d] = Math.Abs(Math.Abs(code - Math.Truncate(code)) - 0.5) <= 8 * Rounding.U * Math.Abs(code) ? 1 : 0;
            }
        }
        return (after, afterScales);
    }
}
