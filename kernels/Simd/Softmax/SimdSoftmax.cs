using System.Runtime.Intrinsics;

namespace AttnKernels.Simd;

/// <summary>Scaled, masked softmax on the CPU. The contract is that of <see cref="SoftmaxArgs"/>; arguments are not validated.</summary>
public static unsafe class SimdSoftmax
{
    /// <summary>Computes Y and, where asked for, Lse. A row's bits depend on that row only; scratch is two rows a thread.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled; outputs are undefined.</exception>
    public static void Run(in SoftmaxArgs args, SimdWorkers workers, CancellationToken cancel = default)
    {
        switch (workers.Width)
        {
            case SimdWidth.Vector512: Run<Width512, Vector512<float>>(args, workers, cancel); break;
            case SimdWidth.Vector256: Run<Width256, Vector256<float>>(args, workers, cancel); break;
            case SimdWidth.Vector128: Run<Width128, Vector128<float>>(args, workers, cancel); break;
            default: Run<Width1, float>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V>(in SoftmaxArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
    {
        switch (args.TypeX)
        {
            case DType.Float16: Run<W, V, Float16Element>(args, workers, cancel); break;
            case DType.BFloat16: Run<W, V, BFloat16Element>(args, workers, cancel); break;
            default: Run<W, V, Float32Element>(args, workers, cancel); break;
        }
    }

    private static void Run<W, V, EX>(in SoftmaxArgs args, SimdWorkers workers, CancellationToken cancel)
        where W : struct, IWidth<V>
        where V : struct
        where EX : struct, IElement
    {
        switch (args.TypeY)
        {
            case DType.Float16: Run(args, workers, &RowSoftmax<W, V, EX, Float16Element>.Item, cancel); break;
            case DType.BFloat16: Run(args, workers, &RowSoftmax<W, V, EX, BFloat16Element>.Item, cancel); break;
            default: Run(args, workers, &RowSoftmax<W, V, EX, Float32Element>.Item, cancel); break;
        }
    }

    private static void Run(in SoftmaxArgs args, SimdWorkers workers, delegate*<void*, int, byte*, void> item, CancellationToken cancel)
    {
        if (args.Batch == 0 || args.Heads == 0 || args.Rows == 0) return;
        var plan = new SoftmaxPlan(args, workers.Threads);
        var place = workers.Enter();
        try
        {
            workers.Run(place, item, &plan, plan.Items, plan.ScratchBytes, cancel);
        }
        finally
        {
            workers.Leave(place);
        }
    }
}
