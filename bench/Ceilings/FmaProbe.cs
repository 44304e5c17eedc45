using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using AttnKernels.Bench.Measure;

namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// The fp32 multiply-add rate of the processor: independent accumulators that never leave their registers, nothing else in the loop.
/// What it reaches is the ceiling of every compute-bound kernel.
/// </summary>
internal static class FmaProbe
{
    /// <summary>Twelve chains hide a latency of 4 cycles (5 on some) at two instructions a cycle, and fit in 16 registers.</summary>
    private const int Accumulators = 12;
    private const int Iterations = 400_000;

    /// <summary>GFLOP/s of one pass of a few milliseconds on all of <paramref name="threads"/>, an FMA counted as two.</summary>
    public static double Measure(WorkerThreads threads)
    {
        var sums = new float[threads.Count];
        Action<int> body = i => sums[i] = RunWidest();
        threads.For(threads.Count, body);
        long start = Stopwatch.GetTimestamp();
        threads.For(threads.Count, body);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return 2.0 * Accumulators * WidestLanes * Iterations * threads.Count / seconds / 1e9;
    }

    private static int WidestLanes => Vector512.IsHardwareAccelerated ? Lanes512.Width
        : Vector256.IsHardwareAccelerated ? Lanes256.Width : Lanes128.Width;

    private static float RunWidest() => Vector512.IsHardwareAccelerated ? Run<Vector512<float>, Lanes512>(Iterations)
        : Vector256.IsHardwareAccelerated ? Run<Vector256<float>, Lanes256>(Iterations) : Run<Vector128<float>, Lanes128>(Iterations);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Run<TVector, TLanes>(int iterations)
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        // x = 0.999 x + 0.001 stays near 1: no overflow, no denormals.
        TVector m = TLanes.Create(0.999f), c = TLanes.Create(0.001f);
        TVector a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c, a6 = c, a7 = c, a8 = c, a9 = c, a10 = c, a11 = c;
        for (int i = 0; i < iterations; i++)
        {
            a0 = TLanes.Fma(a0, m, c);
            a1 = TLanes.Fma(a1, m, c);
            a2 = TLanes.Fma(a2, m, c);
            a3 = TLanes.Fma(a3, m, c);
            a4 = TLanes.Fma(a4, m, c);
            a5 = TLanes.Fma(a5, m, c);
            a6 = TLanes.Fma(a6, m, c);
            a7 = TLanes.Fma(a7, m, c);
            a8 = TLanes.Fma(a8, m, c);
            a9 = TLanes.Fma(a9, m, c);
            a10 = TLanes.Fma(a10, m, c);
            a11 = TLanes.Fma(a11, m, c);
        }
        return TLanes.Sum(a0) + TLanes.Sum(a1) + TLanes.Sum(a2) + TLanes.Sum(a3) + TLanes.Sum(a4) + TLanes.Sum(a5)
            + TLanes.Sum(a6) + TLanes.Sum(a7) + TLanes.Sum(a8) + TLanes.Sum(a9) + TLanes.Sum(a10) + TLanes.Sum(a11);
    }
}
