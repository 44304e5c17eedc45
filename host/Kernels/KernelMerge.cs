using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>MergeParts on one device, for one problem.</summary>
internal sealed class KernelMerge<T, TElement, TOut, TElementOut> : Executable<MergeTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TOut : unmanaged
    where TElementOut : struct, IElement<TOut>
{
    /// <summary>The only instantiation: how many lanes take parts in turn is an argument.</summary>
    public static readonly KernelEntry<MergeArgs<T, TOut>> Entry = new(
        $"MergeParts {Elements.Label<TElement>()}->{Elements.Label<TElementOut>()}", MergeParts<T, TElement, TOut, TElementOut>.Kernel,
        MergeSizes.GroupSize, MergeSizes.SharedBytes);

    private readonly KernelDevice device;
    private readonly LoadedKernel<MergeArgs<T, TOut>> kernel;
    private readonly int groups;
    private readonly MergeArgs<T, TOut> sizes;

    public KernelMerge(KernelDevice device, MergeProblem problem)
    {
        this.device = device;
        kernel = device.Load(Entry);
        groups = Groups(device, (long)problem.Batch * problem.Heads * problem.Seq, problem.HeadDim, problem.Parts);
        sizes = new MergeArgs<T, TOut>
        {
            Parts = problem.Parts,
            Batch = problem.Batch,
            Heads = problem.Heads,
            Seq = problem.Seq,
            HeadDim = problem.HeadDim,
            Slots = MergeSizes.Slots(problem.Parts),
            Log2Factor = SpecialMath.Log2E,
        };
    }

    /// <summary>The grid for this many rows.</summary>
    public static int Groups(KernelDevice device, long rows, int headDim, int parts)
    {
        int rowsPerGroup = MergeSizes.MostSlots / MergeSizes.Slots(parts);
        return Grids.Groups((rows + rowsPerGroup - 1) / rowsPerGroup * Grids.Tiles(headDim, MergeSizes.Columns), Entry, device);
    }

    public override string Explain() =>
        $"{kernel.Describe(Entry, groups)}; a lane four columns of a row in every {4 * sizes.Slots} parts four";

    public override void Run(in MergeTensors t, DeviceStream stream, CancellationToken cancel)
    {
        MergeArgs<T, TOut> args = sizes;
        args.PartsO = device.Heads<T>(t.PartsO);
        args.M = device.Data<float>(t.PartsLse);
        args.MOffset = t.PartsLse.Offset;
        args.L = args.M;
        args.O = device.Heads<TOut>(t.O);
        args.Lse = device.Data<float>(t.Lse);
        args.LseOffset = t.Lse.Offset;
        args.HasLse = t.Lse.Flag();
        kernel.Launch(stream, groups, args);
    }
}
