using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>
/// Merges partial attention results on the CPU. The contract is that of <see cref="MergeArgs"/>; arguments are not validated.
/// </summary>
public static unsafe class SimdMerge
{
    /// <summary>Computes O and Lse; work items are blocks of rows.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; the outputs are undefined.</exception>
    public static void Run(in MergeArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in MergeArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
    {
        switch (args.TypeParts)
        {
            case DType.Float16: Run<W, V, Float16Element>(args, workers, cancel); break;
            case DType.BFloat16: Run<W, V, BFloat16Element>(args, workers, cancel); break;
            default: Run<W, V, Float32Element>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V, EParts>(in MergeArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
        where EParts : struct, IElement
    {
        switch (args.Type)
        {
            case DType.Float16: Run(args, workers, &MergeRows<W, V, EParts, Float16Element>.Item, cancel); break;
            case DType.BFloat16: Run(args, workers, &MergeRows<W, V, EParts, BFloat16Element>.Item, cancel); break;
            default: Run(args, workers, &MergeRows<W, V, EParts, Float32Element>.Item, cancel); break;
        }
    }

    private static void Run(in MergeArgs args, SimdWorkers workers, delegate*<void*, int, byte*, void> item, CancellationToken cancel)
    {
        const int Block = MergeRows<Width1, float, Float32Element, Float32Element>.Block;
        MergeArgs shared = args;
        int items = checked(args.Batch * args.Heads * ((args.Seq + Block - 1) / Block));
        SimdPlace place = workers.Enter();
        try
        {
            workers.Run(place, item, &shared, items, sizeof(float) * (long)args.Parts, cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
