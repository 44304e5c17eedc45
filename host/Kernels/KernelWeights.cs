using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>RowWeights on one device, for one problem. One instantiation serves all scores and keys: few rows are wanted.</summary>
internal sealed class KernelWeights<T, TElement> : Executable<WeightsTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    /// <summary>The only instantiation of the type.</summary>
    public static readonly KernelEntry<WeightsArgs<T, GeneralScore, GeneralKeys>> Entry = new(
        $"RowWeights {Elements.Label<TElement>()}",
        RowWeights<T, TElement, GeneralScore, GeneralKeys>.Kernel,
        RowWeights<T, TElement, GeneralScore, GeneralKeys>.GroupSize,
        RowWeights<T, TElement, GeneralScore, GeneralKeys>.SharedBytes);

    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly LoadedKernel<WeightsArgs<T, GeneralScore, GeneralKeys>> kernel;
    private readonly int groups;
    private readonly WeightsArgs<T, GeneralScore, GeneralKeys> sizes;

    public KernelWeights(KernelDevice device, WeightsProblem p)
    {
        this.device = device;
        problem = p.Attention;
        kernel = device.Load(Entry);
        long tiles = Grids.Tiles(problem.SeqKv, RowWeights<T, TElement, GeneralScore, GeneralKeys>.TileKeys);
        groups = Grids.Groups(p.Rows * tiles, Entry, device);
        sizes = new WeightsArgs<T, GeneralScore, GeneralKeys>
        {
            Flash = KernelAttention<T, TElement, GeneralScore, GeneralBinding, GeneralKeys, GeneralKeyBinding>.Sizes(problem),
            Tiles = (int)tiles,
        };
    }

    public override string Explain() => $"{kernel.Describe(Entry, groups)}; " +
        $"{RowWeights<T, TElement, GeneralScore, GeneralKeys>.TileKeys} keys of a row each";

    public override void Run(in WeightsTensors t, DeviceStream stream, CancellationToken cancel)
    {
        WeightsArgs<T, GeneralScore, GeneralKeys> args = sizes;
        KernelAttention<T, TElement, GeneralScore, GeneralBinding, GeneralKeys, GeneralKeyBinding>.Fill(
            ref args.Flash, device, problem, t.Attention);
        args.Rows = device.Data<int>(t.Rows);
        args.RowsOffset = t.Rows.Offset;
        args.RowsStride = t.Rows.Stride(0);
        args.P = device.Data<float>(t.P);
        args.POffset = t.P.Offset;
        args.PStride = t.P.Stride(0);
        kernel.Launch(stream, groups, args);
    }
}
