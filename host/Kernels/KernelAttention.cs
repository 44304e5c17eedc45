using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>FlashForward on one device, for one problem.</summary>
internal sealed class KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding> : Executable<AttentionTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
    where TKeys : struct, IKeySource
    where TKeyBinding : struct, IKeyBinding<TKeys>
{
    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly KernelEntry entry;
    private readonly LoadedKernel<FlashArgs<T, TScore, TKeys>> kernel;
    private readonly int groups;
    private readonly FlashArgs<T, TScore, TKeys> sizes;

    public KernelAttention(KernelDevice device, AttentionProblem problem)
    {
        KernelEntry<FlashArgs<T, TScore, TKeys>> chosen =
            FlashTable<T, TElement, TScore, TKeys>.Choose(problem.HeadDim, problem.HeadDimV, out int br);
        this.device = device;
        this.problem = problem;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups((long)Grids.Tiles(problem.SeqQ, br) * problem.HeadsQ * problem.Batch, chosen);
        sizes = new FlashArgs<T, TScore, TKeys>
        {
            Batch = problem.Batch,
            HeadsQ = problem.HeadsQ,
            HeadsKv = problem.HeadsKv,
            SeqQ = problem.SeqQ,
            SeqKv = problem.SeqKv,
            HeadDim = problem.HeadDim,
            HeadDimV = problem.HeadDimV,
            Band = problem.Band,
            PackedQ = problem.Packed?.TotalQ ?? 0,
        };
    }

    public override string Explain() =>
        $"{entry.Name}: {groups} groups of {entry.GroupSize} lanes, {entry.SharedBytes} bytes of shared memory a group; the largest " +
        $"tile for this head dim within 48 KB; scores {(typeof(TScore) == typeof(GeneralScore) ? "looked up pair by pair" : "masked only in tiles that the band cuts")}";

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        FlashArgs<T, TScore, TKeys> args = sizes;
        args.Q = device.Heads<T>(t.Q);
        args.Keys = TKeyBinding.Bind(device, problem, t);
        args.O = device.Heads<T>(t.O);
        args.Lse = device.Data<float>(t.Lse);
        args.LseOffset = t.Lse.Offset;
        args.HasLse = t.Lse.Flag();
        args.KeyLengths = device.Data<int>(t.KeyLengths);
        args.KeyLengthsOffset = t.KeyLengths.Offset;
        args.HasKeyLengths = t.KeyLengths.Flag();
        args.Score = TBinding.Bind(device, problem, t.Score);
        kernel.Launch(stream, groups, args);
    }
}
