using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Bench.Peers.OpenBlas;

/// <summary>
/// The softmax between the two products of the BLAS composite: vectorised, two passes, a polynomial exponential; so that the composite is
/// limited by its BLAS and not by what stands between.
/// </summary>
internal static unsafe class FastSoftmax
{
    private const float Log2E = 1.442695041f;

    /// <summary>
    /// Overwrites <paramref name="x"/> with exp(x - max) over the first <paramref name="n"/> elements and returns 1 / their sum.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Exponentials(float* x, int n)
    {
        int width = Vector512<float>.Count, whole = n - n % width;
        Vector512<float> widest = Vector512.Create(float.NegativeInfinity);
        for (int i = 0; i < whole; i += width) widest = Vector512.Max(widest, Vector512.Load(x + i));
        float max = float.NegativeInfinity;
        for (int i = 0; i < width; i++) max = MathF.Max(max, widest[i]);
        for (int i = whole; i < n; i++) max = MathF.Max(max, x[i]);

        Vector512<float> offset = Vector512.Create(-max * Log2E), sums = default;
        for (int i = 0; i < whole; i += width)
        {
            Vector512<float> e = Exp2(Vector512.FusedMultiplyAdd(Vector512.Load(x + i), Vector512.Create(Log2E), offset));
            e.Store(x + i);
            sums += e;
        }
        float sum = Vector512.Sum(sums);
        for (int i = whole; i < n; i++) sum += x[i] = MathF.Exp(x[i] - max);
        return 1 / sum;
    }

    /// <summary>
    /// 2^t for t &lt;= 0: the Taylor series of 2^f on |f| &lt;= 1/2 to degree 6 (relative error 2e-7) times 2^n through the exponent
    /// bits.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Exp2(Vector512<float> t)
    {
        t = Vector512.Max(t, Vector512.Create(-126f));
        Vector512<float> n = Vector512.Round(t);
        Vector512<float> f = t - n;
        Vector512<float> p = Vector512.Create(1.5403530e-4f);
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(1.3333558e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(9.6181291e-3f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(5.5504109e-2f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(2.4022651e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512.Create(6.9314718e-1f));
        p = Vector512.FusedMultiplyAdd(p, f, Vector512<float>.One);
        return (p.AsInt32() + (Vector512.ConvertToInt32Native(n) << 23)).AsSingle();
    }
}
