using AttnKernels.Plans;
using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A product whose K is summed in parts, by a matmul kernel that leaves fp32 sums in device memory and SplitSum, which adds them up in
/// their order and finishes C: the same bits run after run.
/// </summary>
internal sealed class KernelSplitMatmul<TA, TElementA, TB, TElementB, TC, TElementC> : Executable<MatmulTensors>
    where TA : unmanaged
    where TElementA : struct, IElement<TA>
    where TB : unmanaged
    where TElementB : struct, IElement<TB>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    private readonly KernelDevice device;
    private readonly KernelEntry entry;
    private readonly LoadedKernel<MatmulArgs<TA, TB, float>> kernel;
    private readonly LoadedKernel<MatmulArgs<float, float, TC>> sum;
    private readonly int groups, sumGroups;
    private readonly MatmulPick pick;
    private readonly MatmulArgs<TA, TB, float> sizes;
    private readonly MatmulArgs<float, float, TC> sumSizes;
    private readonly StreamWorkspace workspace;

    public KernelSplitMatmul(KernelDevice device, MatmulProblem p, MatmulPick pick)
    {
        MatmulProblem parts = p with { TypeC = DType.Float32, Alpha = 1, Beta = 0, Bias = false, Activation = Activation.None };
        KernelEntry<MatmulArgs<TA, TB, float>> chosen =
            KernelMatmul<TA, TElementA, TB, TElementB, float, Float32Element>.Choose(parts, pick, out long groupCount);
        this.device = device;
        this.pick = pick;
        entry = chosen;
        kernel = device.Load(chosen);
        groups = Grids.Groups(groupCount, chosen, device);
        sum = device.Load(SumEntry);

        long stride = (p.N + 3L) / 4 * 4;
        long matrix = p.M * stride;
        long part = (long)p.Batch0 * p.Batch1 * matrix;
        sumGroups = Grids.Groups(((part / 4) + SplitSum.GroupSize - 1) / SplitSum.GroupSize, SumEntry, device);
        OperandView<float> sums = new()
        {
            Batch0Stride = p.Batch1 * matrix, Batch1Stride = matrix, OuterStride = stride, KStride = 1, IsVector = 1,
        };
        sizes = KernelMatmul<TA, TElementA, TB, TElementB, float, Float32Element>.Sizes(parts, pick);
        sizes.C = sums;
        sizes.SplitStride = part;
        sumSizes = KernelMatmul<float, Float32Element, float, Float32Element, TC, TElementC>.Sizes(p, pick);
        sumSizes.A = sums;
        sumSizes.A.KStride = part;
        sumSizes.K = pick.Parts;
        workspace = new StreamWorkspace(device, sizeof(float) * part * pick.Parts);
    }

    public static KernelEntry<MatmulArgs<float, float, TC>> SumEntry { get; } = new(
        $"SplitSum {Elements.Label<TElementC>()}", SplitSum<TC, TElementC>.Kernel, SplitSum.GroupSize, 0);

    public override long WorkspaceBytes => workspace.Bytes;

    public override void Prepare(DeviceStream stream) => workspace.For(stream);

    public override string Explain() =>
        $"{kernel.Describe(entry, groups)}; {pick.Why}; " +
        $"{pick.Parts} parts of {pick.SplitK} of K, then {sum.Describe(SumEntry, sumGroups)}";

    public override void Run(in MatmulTensors t, DeviceStream stream, CancellationToken cancel)
    {
        DeviceBuffer block = workspace.For(stream);
        block.Hold(); // the plan may be disposed meanwhile
        try
        {
            Launch(t, stream, device.View<float>(block));
        }
        finally
        {
            block.Release();
        }
    }

    private void Launch(in MatmulTensors t, DeviceStream stream, ArrayView<float> sums)
    {
        MatmulArgs<TA, TB, float> args = sizes;
        args.A = device.Operand<TA>(t.A, outerAxis: 2, kAxis: 3);
        args.B = device.Operand<TB>(t.B, outerAxis: 3, kAxis: 2);
        args.C.Data = sums;
        args.Bias = device.Floats(default);
        kernel.Launch(stream, groups, args);

        MatmulArgs<float, float, TC> finish = sumSizes;
        finish.A.Data = sums;
        finish.B.Data = sums;
        finish.C = device.Result<TC>(t.C);
        finish.Bias = device.Floats(t.Bias);
        finish.BiasOffset = t.Bias.Offset;
        sum.Launch(stream, sumGroups, finish);
    }

    public override void Dispose()
    {
        workspace.Dispose();
        base.Dispose();
    }
}
