using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>RowWeights on one device, for one problem. One instantiation serves all scores and keys: few rows are wanted.</summary>
internal sealed class KernelWeights<T, TElement, TScore, TBinding> : Executable<WeightsTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
{
    public static readonly KernelEntry<WeightsArgs<T, TScore>> Entry = new(
        $"RowWeights {Elements.Label<TElement>()}{(typeof(TScore) == typeof(GeneralScore) ? "" : $" {ScoreLabel.Of<TScore>()}")}",
        RowWeights<T, TElement, TScore>.Kernel,
        RowWeights<T, TElement, TScore>.GroupSize,
        RowWeights<T, TElement, TScore>.SharedBytes);

    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly LoadedKernel<WeightsArgs<T, TScore>> kernel;
    private readonly int groups;
    private readonly WeightsArgs<T, TScore> sizes;

    public KernelWeights(KernelDevice device, WeightsProblem p)
    {
        this.device = device;
        problem = p.Attention;
        kernel = device.Load(Entry);
        long tiles = Grids.Tiles(problem.SeqKv, RowWeights<T, TElement, TScore>.TileKeys);
        groups = Grids.Groups(p.Rows * tiles, Entry, device);
        sizes = new WeightsArgs<T, TScore>
        {
            Flash = KernelAttention<T, TElement, TScore, TBinding, GeneralKeys, GeneralKeyBinding>.Sizes(problem),
            Tiles = (int)tiles,
        };
    }

    public override string Explain() => $"{kernel.Describe(Entry, groups)}; {RowWeights<T, TElement, TScore>.TileKeys} keys of a row each";

    public override void Run(in WeightsTensors t, DeviceStream stream, CancellationToken cancel) =>
        Launch(t, TBinding.Bind(device, problem, t.Attention.Score), stream);

    /// <summary>A run with a score rule that may have values of its own.</summary>
    public void Launch(in WeightsTensors t, in TScore score, DeviceStream stream)
    {
        WeightsArgs<T, TScore> args = sizes;
        KernelAttention<T, TElement, TScore, TBinding, GeneralKeys, GeneralKeyBinding>.Fill(ref args.Flash, device, problem, t.Attention);
        args.Flash.Score = score;
        args.Rows = device.Data<int>(t.Rows);
        args.RowsOffset = t.Rows.Offset;
        args.RowsStride = t.Rows.Stride(0);
        args.P = device.Data<float>(t.P);
        args.POffset = t.P.Offset;
        args.PStride = t.P.Stride(0);
        kernel.Launch(stream, groups, args);
    }
}
