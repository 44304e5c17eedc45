using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>RotaryEmbedding on one device, for one problem.</summary>
internal sealed class KernelRotary<T, TElement> : Executable<RotaryTensors>
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    /// <summary>The only instantiation: lanes are independent, so there is nothing to tile.</summary>
    public static readonly KernelEntry<RotaryArgs<T>> Entry = new(
        $"RotaryEmbedding {Elements.Label<TElement>()}", RotaryEmbedding<T, TElement>.Kernel, 256, 0);

    private readonly KernelDevice device;
    private readonly LoadedKernel<RotaryArgs<T>> kernel;
    private readonly int groups;
    private readonly RotaryArgs<T> sizes;

    public KernelRotary(KernelDevice device, RotaryProblem problem)
    {
        this.device = device;
        kernel = device.Load(Entry);
        long lanes = (long)problem.Batch * problem.Heads * problem.Seq * (problem.HeadDim - problem.RotaryDim / 2);
        groups = Grids.Groups((lanes + Entry.GroupSize - 1) / Entry.GroupSize, Entry, device);
        sizes = new RotaryArgs<T>
        {
            Batch = problem.Batch,
            Heads = problem.Heads,
            Seq = problem.Seq,
            HeadDim = problem.HeadDim,
            RotaryDim = problem.RotaryDim,
            IsInterleaved = problem.Interleaved ? 1 : 0,
            MaxPosition = problem.MaxPosition,
        };
    }

    public override string Explain() => $"{kernel.Describe(Entry, groups)}; a lane a pair";

    public override void Run(in RotaryTensors t, DeviceStream stream, CancellationToken cancel)
    {
        RotaryArgs<T> args = sizes;
        args.X = device.Heads<T>(t.X);
        args.Y = device.Heads<T>(t.Y);
        args.Cos = device.Floats(t.Cos);
        args.Sin = device.Floats(t.Sin);
        args.CosOffset = t.Cos.Offset;
        args.SinOffset = t.Sin.Offset;
        args.CosBatchStride = t.Cos.Stride(0);
        args.CosRowStride = t.Cos.Stride(1);
        args.SinBatchStride = t.Sin.Stride(0);
        args.SinRowStride = t.Sin.Stride(1);
        args.Positions = device.Data<int>(t.Positions);
        args.PositionsOffset = t.Positions.Offset;
        args.HasPositions = t.Positions.Flag();
        kernel.Launch(stream, groups, args);
    }
}
