using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>
/// Attention weights of chosen rows on the CPU. The contract is that of <see cref="WeightsArgs"/>; arguments are not validated.
/// </summary>
public static unsafe class SimdWeights
{
    /// <summary>Computes P; work items are stretches of keys of a row.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; P is undefined.</exception>
    public static void Run(in WeightsArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in WeightsArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
    {
        switch (args.Attention.Type)
        {
            case DType.Float16: Run(args, workers, &RowWeights<W, V, Float16Element>.Item, cancel); break;
            case DType.BFloat16: Run(args, workers, &RowWeights<W, V, BFloat16Element>.Item, cancel); break;
            default: Run(args, workers, &RowWeights<W, V, Float32Element>.Item, cancel); break;
        }
    }

    private static void Run(in WeightsArgs args, SimdWorkers workers, delegate*<void*, int, byte*, void> item, CancellationToken cancel)
    {
        WeightsArgs shared = args;
        int items = checked(args.Count * RowWeights<Width1, float, Float32Element>.Items(args.Attention));
        SimdPlace place = workers.Enter();
        try
        {
            workers.Run(place, item, &shared, items, RowWeights<Width1, float, Float32Element>.ScratchBytes(args.Attention), cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
