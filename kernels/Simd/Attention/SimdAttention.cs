using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>Masked attention on the CPU. The contract is that of <see cref="AttentionArgs"/>; arguments are not validated.</summary>
public static unsafe class SimdAttention
{
    /// <summary>
    /// Computes O and, where asked for, Lse. Memory beyond the tensors is bounded by the head dims and the number of threads. The bits of
    /// a row depend on its own query, keys and masks only, not on the batch, the threads or other rows.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; outputs are undefined.</exception>
    public static void Run(in AttentionArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in AttentionArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
    {
        switch (args.Type)
        {
            case DType.Float16: Run<W, V, Float16Element>(args, workers, cancel); break;
            case DType.BFloat16: Run<W, V, BFloat16Element>(args, workers, cancel); break;
            default: Run<W, V, Float32Element>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V, E>(in AttentionArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        if (args.Batch == 0 || args.HeadsQ == 0 || args.SeqQ == 0) return;
        var place = workers.Enter();
        try
        {
            if (args.Sequences.ArePresent)
            {
                int tileRows = W.Count * W.TileVectors;
                var plan = new Sequences();
                plan.Place(args, tileRows, place.Shared.Rent(Sequences.Bytes(args, tileRows)));
                workers.Run(place, &Sequences.Item<W, V, E>, &plan, plan.Items, plan.ScratchBytes, cancel);
            }
            else if (DecodePlan.Fits(args))
            {
                var plan = new DecodePlan(args);
                plan.Place(place.Shared.Rent(plan.SharedBytes));
                workers.Run(place, plan.Item<W, V, E>(), &plan, plan.Items, plan.ScratchBytes, cancel);
            }
            else
            {
                var plan = new AttentionPlan(args, W.Count * W.TileVectors);
                plan.ShareAmong(workers.Threads, W.Count);
                workers.Run(place, &FlashForward<W, V, E>.Item, &plan, plan.Items, plan.ScratchBytes, cancel);
            }
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
