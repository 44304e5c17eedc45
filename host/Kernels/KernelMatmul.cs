using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>TensorMatmul, TiledMatmul or NaiveMatmul on one device, for one problem.</summary>
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

    public KernelMatmul(KernelDevice device, MatmulProblem problem)
    {
        KernelEntry<MatmulArgs<TA, TB, TC>> chosen = OnTensorCores(device, problem, out reason, out long groupCount)
            ?? MatmulTable<TA, TElementA, TB, TElementB, TC, TElementC>.Choose(problem, out groupCount);
        this.device = device;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups(groupCount, chosen, device);
        sizes = new MatmulArgs<TA, TB, TC>
        {
            Batch0 = problem.Batch0,
            Batch1 = problem.Batch1,
            GroupB = problem.GroupB,
            M = problem.M,
            N = problem.N,
            K = problem.K,
            SplitK = problem.K,
            Alpha = problem.Alpha,
            Beta = problem.Beta,
            Activation = (int)problem.Activation,
        };
    }

    public override string Explain() =>
        $"{entry.Name}: {groups} groups of {entry.GroupSize} lanes, {entry.SharedBytes} bytes of shared memory a group; " +
        reason;

    /// <summary>The tensor-core kernel, or null and why not.</summary>
    private static KernelEntry<MatmulArgs<TA, TB, TC>>? OnTensorCores(
        KernelDevice device, MatmulProblem problem, out string reason, out long groups)
    {
        groups = 0;
        if (typeof(TA) != typeof(ushort) || typeof(TB) != typeof(ushort))
            reason = Portable("since fp32 is multiplied as fp32");
        else if (!device.HasTensorCores)
            reason = Portable("on this device");
        else if (problem.SkipZeroA)
            reason = Portable("since they multiply a weight of 0, too");
        else if (problem.Naive)
            reason = Portable("in the baseline");
        else if (Math.Min(Math.Min(problem.M, problem.N), problem.K) < TensorMatmulSteps.Fragment)
        {
            reason = Portable(
                $"since they multiply blocks of {TensorMatmulSteps.Fragment}, of which {problem.M} x {problem.N} x {problem.K} leaves most empty");
        }
        else
        {
            int tile = TensorMatmulChoice.Choose(device.Info, problem, out string why);
            reason = $"on tensor cores; {why}";
            groups = TensorMatmulChoice.Tiles[tile].Groups(problem);
            KernelEntry entry = typeof(TElementA) == typeof(Float16Element)
                ? TensorMatmulTable<Float16Element, Float16Tensor, TC, TElementC>.Of(tile, problem.TransposeA, problem.TransposeB)
                : TensorMatmulTable<BFloat16Element, BFloat16Tensor, TC, TElementC>.Of(tile, problem.TransposeA, problem.TransposeB);
            return (KernelEntry<MatmulArgs<TA, TB, TC>>)entry;
        }
        return null;
    }

    private static string Portable(string reason) => $"no tensor cores {reason}; 128 x 128 tiles where 128 or more of them fill the device";

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
