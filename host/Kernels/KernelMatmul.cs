using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>TensorMatmul, TiledMatmul or NaiveMatmul on one device, for one problem, with all of K in one sum.</summary>
internal sealed class KernelMatmul<TA, TElementA, TB, TElementB, TC, TElementC> : Executable<MatmulTensors>
    where TA : unmanaged
    where TElementA : struct, IElement<TA>
    where TB : unmanaged
    where TElementB : struct, IElement<TB>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    private readonly KernelDevice device;
    private readonly KernelEntry entry;
    private readonly LoadedKernel<MatmulArgs<TA, TB, TC>> kernel;
    private readonly int groups;
    private readonly string reason;
    private readonly MatmulArgs<TA, TB, TC> sizes;

    public KernelMatmul(KernelDevice device, MatmulProblem problem, MatmulPick pick)
    {
        KernelEntry<MatmulArgs<TA, TB, TC>> chosen = Choose(problem, pick, out long groupCount);
        this.device = device;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups(groupCount, chosen, device);
        reason = pick.Why;
        sizes = Sizes(problem, pick);
    }

    public override string Explain() => $"{kernel.Describe(entry, groups)}; {reason}";

    /// <summary>The instantiation, and how many groups it runs in.</summary>
    public static KernelEntry<MatmulArgs<TA, TB, TC>> Choose(MatmulProblem problem, MatmulPick pick, out long groups)
    {
        KernelEntry<MatmulArgs<TA, TB, TC>> chosen;
        if (pick.Tile < 0)
        {
            chosen = MatmulTable<TA, TElementA, TB, TElementB, TC, TElementC>.Choose(problem, out groups);
        }
        else
        {
            KernelEntry entry = problem.TypeA switch
            {
                DType.Float16 => On<ushort, PairFormat<Float16Tensor>>(),
                DType.BFloat16 => On<ushort, PairFormat<BFloat16Tensor>>(),
                _ when problem.InputPrecision == InputPrecision.Tf32x3 => On<float, Tf32x3Format>(),
                _ => On<float, Tf32Format>(),
            };
            chosen = (KernelEntry<MatmulArgs<TA, TB, TC>>)entry;
            groups = TensorMatmulChoice.TilesOf(problem)[pick.Tile].Groups(problem);
        }
        groups *= pick.Parts;
        return chosen;

        KernelEntry On<T, TFormat>()
            where T : unmanaged
            where TFormat : struct, IProductFormat =>
            TensorMatmulTable<T, TFormat, TC, TElementC>.Of(pick.Tile, problem.TransposeA, problem.TransposeB);
    }

    public static MatmulArgs<TA, TB, TC> Sizes(MatmulProblem problem, MatmulPick pick) => new()
    {
        Batch0 = problem.Batch0,
        Batch1 = problem.Batch1,
        GroupB = problem.GroupB,
        M = problem.M,
        N = problem.N,
        K = problem.K,
        SplitK = pick.SplitK,
        Alpha = problem.Alpha,
        Beta = problem.Beta,
        Activation = (int)problem.Activation,
    };

    public override void Run(in MatmulTensors t, DeviceStream stream, CancellationToken cancel)
    {
        MatmulArgs<TA, TB, TC> args = sizes;
        args.A = device.Operand<TA>(t.A, outerAxis: 2, kAxis: 3);
        args.B = device.Operand<TB>(t.B, outerAxis: 3, kAxis: 2);
        args.C = device.Result<TC>(t.C);
        args.Bias = device.Floats(t.Bias);
        args.BiasOffset = t.Bias.Offset;
        kernel.Launch(stream, groups, args);
    }
}
