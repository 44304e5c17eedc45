using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// The online softmax of a block of keys for <typeparamref name="TVectors"/> neighbouring vectors of lanes:
/// m' = max(m, max S) ; alpha = exp2(m - m') ; P = exp2(S - m') in place ; l = l * alpha + sum P.
/// </summary>
/// <remarks>Four vectors at a time give four independent chains and take 8 cycles a vector instead of 9 (Zen 4).</remarks>
internal static unsafe class OnlineSoftmax<W, V, TVectors>
    where W : struct, IWidth<V>
    where V : struct
    where TVectors : struct, ISize
{
    /// <param name="s">S of the first key and lane; a key's row is <paramref name="step"/> floats.</param>
    /// <param name="keys">Keys of the block.</param>
    /// <param name="step">Floats from key to key.</param>
    /// <param name="m">Running maxima of the lanes, with l and alpha.</param>
    /// <param name="l">Running sums.</param>
    /// <param name="alpha">Receives what earlier sums and outputs are to be multiplied with.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* s, int keys, nint step, float* m, float* l, float* alpha)
    {
        V m0 = W.Load(m);
        V m1 = TVectors.Value > 1 ? W.Load(m + W.Count) : W.Zero;
        V m2 = TVectors.Value > 2 ? W.Load(m + 2 * W.Count) : W.Zero;
        V m3 = TVectors.Value > 3 ? W.Load(m + 3 * W.Count) : W.Zero;
        float* row = s;
        for (int j = 0; j < keys; j++, row += step)
        {
            m0 = W.Max(m0, W.Load(row));
            if (TVectors.Value > 1) m1 = W.Max(m1, W.Load(row + W.Count));
            if (TVectors.Value > 2) m2 = W.Max(m2, W.Load(row + 2 * W.Count));
            if (TVectors.Value > 3) m3 = W.Max(m3, W.Load(row + 3 * W.Count));
        }

        V l0 = W.Zero, l1 = W.Zero, l2 = W.Zero, l3 = W.Zero;
        V one = W.Set(1);
        m0 = Advance(m, l, alpha, m0, ref l0);
        if (TVectors.Value > 1) m1 = Advance(m + W.Count, l + W.Count, alpha + W.Count, m1, ref l1);
        if (TVectors.Value > 2) m2 = Advance(m + 2 * W.Count, l + 2 * W.Count, alpha + 2 * W.Count, m2, ref l2);
        if (TVectors.Value > 3) m3 = Advance(m + 3 * W.Count, l + 3 * W.Count, alpha + 3 * W.Count, m3, ref l3);
        row = s;
        for (int j = 0; j < keys; j++, row += step)
        {
            Exponential(row, one, m0, ref l0);
            if (TVectors.Value > 1) Exponential(row + W.Count, one, m1, ref l1);
            if (TVectors.Value > 2) Exponential(row + 2 * W.Count, one, m2, ref l2);
            if (TVectors.Value > 3) Exponential(row + 3 * W.Count, one, m3, ref l3);
        }

        W.Store(l, l0);
        if (TVectors.Value > 1) W.Store(l + W.Count, l1);
        if (TVectors.Value > 2) W.Store(l + 2 * W.Count, l2);
        if (TVectors.Value > 3) W.Store(l + 3 * W.Count, l3);
    }

    /// <summary>Stores m' and alpha, rescales l, and returns what to add to the scores.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V Advance(float* m, float* l, float* alpha, V max, ref V sum)
    {
        // Where no key was seen yet, any finite maximum gives P = 0 and alpha = 0.
        V shift = W.Select(W.Equal(max, W.Set(float.NegativeInfinity)), W.Zero, max);
        V factor = Exp2.Of<W, V>(W.Subtract(W.Load(m), shift));
        W.Store(m, max);
        W.Store(alpha, factor);
        sum = W.Multiply(W.Load(l), factor);
        return W.Subtract(W.Zero, shift);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exponential(float* s, V one, V minusShift, ref V sum)
    {
        // A multiply-add, not an addition: with the fractions, scales and sums additions have more to do than multiply-adds.
        V p = Exp2.Of<W, V>(W.Fma(W.Load(s), one, minusShift));
        sum = W.Add(sum, p);
        W.Store(s, p);
    }
}
