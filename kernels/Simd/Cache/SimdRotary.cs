using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>Rotary embedding on the CPU. The contract is that of <see cref="RotaryArgs"/>; arguments are not validated.</summary>
public static unsafe class SimdRotary
{
    /// <summary>Computes Y; work items are the heads.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; Y is undefined.</exception>
    public static void Run(in RotaryArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in RotaryArgs args, SimdWorkers workers, CancellationToken cancel)
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

    private static void Run<W, V, E>(in RotaryArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        switch (args.AngleType)
        {
            case DType.Float16: Run(args, workers, &RotaryHead<W, V, E, Float16Element>.Item, cancel); break;
            case DType.BFloat16: Run(args, workers, &RotaryHead<W, V, E, BFloat16Element>.Item, cancel); break;
            default: Run(args, workers, &RotaryHead<W, V, E, Float32Element>.Item, cancel); break;
        }
    }

    private static void Run(in RotaryArgs args, SimdWorkers workers, delegate*<void*, int, byte*, void> item, CancellationToken cancel)
    {
        RotaryArgs shared = args;
        SimdPlace place = workers.Enter();
        try
        {
            workers.Run(place, item, &shared, checked(args.Batch * args.Heads), 0, cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
