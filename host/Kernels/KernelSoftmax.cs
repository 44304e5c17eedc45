using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>FusedSoftmax on one device, for one problem.</summary>
internal sealed class KernelSoftmax<TX, TElementX, TY, TElementY, TScore, TBinding> : Executable<SoftmaxTensors>
    where TX : unmanaged
    where TElementX : struct, IElement<TX>
    where TY : unmanaged
    where TElementY : struct, IElement<TY>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
{
    private readonly KernelDevice device;
    private readonly SoftmaxProblem problem;
    private readonly KernelEntry entry;
    private readonly LoadedKernel<SoftmaxArgs<TX, TY, TScore>> kernel;
    private readonly int groups;
    private readonly SoftmaxArgs<TX, TY, TScore> sizes;

    public KernelSoftmax(KernelDevice device, SoftmaxProblem problem)
    {
        KernelEntry<SoftmaxArgs<TX, TY, TScore>> chosen =
            SoftmaxTable<TX, TElementX, TY, TElementY, TScore>.Choose(problem.Columns, out int rows);
        this.device = device;
        this.problem = problem;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups(((long)problem.Batch * problem.Heads * problem.Rows + rows - 1) / rows, chosen, device);
        sizes = new SoftmaxArgs<TX, TY, TScore>
        {
            Batch = problem.Batch,
            Heads = problem.Heads,
            Rows = problem.Rows,
            Columns = problem.Columns,
            IsLog = problem.Log ? 1 : 0,
            IsScores = problem.Scores ? 1 : 0,
            Band = problem.Band,
        };
    }

    public override string Explain() => $"{kernel.Describe(entry, groups)}; for rows of {problem.Columns}";

    public override void Run(in SoftmaxTensors t, DeviceStream stream, CancellationToken cancel) =>
        Launch(t, TBinding.Bind(device, problem, t.Score), stream);

    public void Launch(in SoftmaxTensors t, in TScore score, DeviceStream stream)
    {
        SoftmaxArgs<TX, TY, TScore> args = sizes;
        args.X = device.Heads<TX>(t.X);
        args.Y = device.Heads<TY>(t.Y);
        args.Lse = device.Data<float>(t.Lse);
        args.LseOffset = t.Lse.Offset;
        args.HasLse = t.Lse.Flag();
        args.KeyLengths = device.Data<int>(t.KeyLengths);
        args.KeyLengthsOffset = t.KeyLengths.Offset;
        args.HasKeyLengths = t.KeyLengths.Flag();
        args.Score = score;
        kernel.Launch(stream, groups, args);
    }
}
