using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>Batched matrix products on the CPU. The contract is that of <see cref="MatmulArgs"/>; arguments are not validated.</summary>
public static unsafe class SimdMatmul
{
    /// <summary>
    /// Computes C. Scratch is bounded by the block sizes and the number of threads. The bits of an element of C depend on its own row of
    /// A and column of B only.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; C is undefined.</exception>
    public static void Run(in MatmulArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in MatmulArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
    {
        if (args.Batch0 == 0 || args.Batch1 == 0 || args.M == 0 || args.N == 0) return;
        var plan = new MatmulPlan(args, W.Count * W.TileVectors, workers.Threads);
        var place = workers.Enter();
        try
        {
            workers.Run(place, &BlockedMatmul<W, V>.Item, &plan, plan.Items, plan.ScratchBytes, cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
