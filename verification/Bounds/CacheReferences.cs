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

    /// <summary>The cache (batch, heads, capacity, dim) after its rows from <paramref name="starts"/>[b] on took those of the update;
    /// exact.</summary>
    public static Expected Append(HostTensor cache, HostTensor update, int[] starts)
    {
        (int heads, int capacity, int dim, int rows) = (cache.Shape[1], cache.Shape[2], cache.Shape[3], update.Shape[2]);
        Expected after = new("cache", [cache.Shape[0], heads, capacity, dim], dim);
        for (int n = 0; n < cache.Values.Length; n++)
            after.Values[n] = cache.Values[n];
        for (int n = 0; n < update.Values.Length; n++)
        {
            (int d, int row, int head) = (n % dim, n / dim % rows, n / dim / rows);
            int target = (starts[head / heads] + row) % capacity;
            after.Values[(((head * capacity) + target) * dim) + d] = update.Values[n];
        }
        return after;
    }
}
