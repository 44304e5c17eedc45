using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>TiledMatmul on one device, for one problem.</summary>
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
    private readonly MatmulArgs<TA, TB, TC> sizes;

    public KernelMatmul(KernelDevice device, MatmulProblem problem)
    {
        KernelEntry<MatmulArgs<TA, TB, TC>> chosen =
            MatmulTable<TA, TElementA, TB, TElementB, TC, TElementC>.Choose(problem, out long groupCount);
        this.device = device;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups(groupCount, chosen);
        sizes = new MatmulArgs<TA, TB, TC>
        {
            Batch0 = problem.Batch0,
            Batch1 = problem.Batch1,
            GroupB = problem.GroupB,
            M = problem.M,
            N = problem.N,
            K = problem.K,
            Alpha = problem.Alpha,
            Beta = problem.Beta,
        };
    }

    public override string Explain() =>
        $"{entry.Name}: {groups} groups of {entry.GroupSize} lanes, {entry.SharedBytes} bytes of shared memory a group; " +
        "128 x 128 tiles where 128 or more of them fill the device";

    public override void Run(in MatmulTensors t, DeviceStream stream, CancellationToken cancel)
    {
        MatmulArgs<TA, TB, TC> args = sizes;
        args.A = device.Operand<TA>(t.A, outerAxis: 2, kAxis: 3);
        args.B = device.Operand<TB>(t.B, outerAxis: 3, kAxis: 2);
        args.C = device.Operand<TC>(t.C, outerAxis: 2, kAxis: 3);

        // A store runs along the columns, so a C whose rows are the contiguous axis is written element by element.
        if (args.C.KStride != 1) args.C.IsVector = 0;
        args.Bias = device.Floats(t.Bias);
        args.BiasOffset = t.Bias.Offset;
        kernel.Launch(stream, groups, args);
    }
}
