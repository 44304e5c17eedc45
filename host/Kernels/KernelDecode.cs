using AttnKernels.Plans;
using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>FlashDecode and MergeParts on one device, for a problem with few query rows a key head.</summary>
internal sealed class KernelDecode<T, TElement, TScore, TBinding, TKeys, TKeyBinding> : Executable<AttentionTensors>, IScored<TScore>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
    where TKeys : struct, IKeyRows, IKeyTiles
    where TKeyBinding : struct, IKeyBinding<TKeys>
{
    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly KernelEntry entry;
    private readonly LoadedKernel<DecodeArgs<T, TScore, TKeys>> kernel;
    private readonly LoadedKernel<MergeArgs<float, T>> merge;
    private readonly int groups, mergeGroups;
    private readonly DecodeArgs<T, TScore, TKeys> sizes;
    private readonly MergeArgs<float, T> mergeSizes;
    private readonly StreamWorkspace workspace;

    public KernelDecode(KernelDevice device, AttentionProblem p)
    {
        int rows = (int)DecodeSplits.Rows(p);
        KernelEntry<DecodeArgs<T, TScore, TKeys>> chosen =
            DecodeTable<T, TElement, TScore, TKeys>.Choose(Math.Max(p.HeadDim, p.HeadDimV), rows, out int tileRows);
        this.device = device;
        problem = p;
        entry = chosen;
        kernel = device.Load(chosen);
        merge = device.Load(KernelMerge<float, Float32Element, T, TElement>.Entry);
        int splits = (int)Grids.Tiles(p.SeqKv, DecodeSplits.Keys);
        int rowTiles = (int)Grids.Tiles(rows, tileRows);
        groups = Grids.Groups((long)rowTiles * splits * p.HeadsKv * p.Batch, chosen, device);
        mergeGroups = KernelMerge<float, Float32Element, T, TElement>.Groups(device, (long)p.Batch * p.HeadsQ * p.SeqQ, p.HeadDimV, splits);

        int stride = (p.HeadDimV + 3) / 4 * 4;
        long partRows = (long)splits * p.Batch * p.HeadsQ * p.SeqQ;
        sizes = new DecodeArgs<T, TScore, TKeys>
        {
            Flash = KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Sizes(p),
            MOffset = partRows * stride,
            LOffset = partRows * (stride + 1),
            OStride = stride,
            Splits = splits,
            RowTiles = rowTiles,
        };
        mergeSizes = new MergeArgs<float, T>
        {
            Parts = splits,
            Batch = p.Batch,
            Heads = p.HeadsQ,
            Seq = p.SeqQ,
            HeadDim = p.HeadDimV,
            PartsO = new HeadView<float>
            {
                BatchStride = (long)p.HeadsQ * p.SeqQ * stride, HeadStride = (long)p.SeqQ * stride, RowStride = stride, IsVector = 1,
            },
            MOffset = sizes.MOffset,
            LOffset = sizes.LOffset,
            HasSums = 1,
            Slots = MergeSizes.Slots(splits),
            SplitKeys = DecodeSplits.Keys,
            SeqKv = p.SeqKv,
            Band = p.Band,
            IsRing = p.Kv.IsRing ? 1 : 0,
        };
        workspace = new StreamWorkspace(device, sizeof(float) * partRows * (stride + 2));
    }

    public override long WorkspaceBytes => workspace.Bytes;

    public override void Prepare(DeviceStream stream) => workspace.For(stream);

    public override string Explain() =>
        $"{entry.Name}: {groups} groups of {entry.GroupSize} lanes, {entry.SharedBytes} bytes of shared memory a group; few query " +
        $"rows a key head ({DecodeSplits.Rows(problem)}), so reading K and V takes the time: {sizes.Splits} splits of {DecodeSplits.Keys} keys, " +
        "read once for all of them, then " +
        $"{KernelMerge<float, Float32Element, T, TElement>.Entry.Name}{problem.InsteadOfPrecision}";

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        DecodeArgs<T, TScore, TKeys> args = sizes;
        KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Fill(ref args.Flash, device, problem, t);
        Launch(ref args, t, stream);
    }

    public void Run(in AttentionTensors t, in TScore score, DeviceStream stream)
    {
        DecodeArgs<T, TScore, TKeys> args = sizes;
        KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Fill(ref args.Flash, device, problem, t);
        args.Flash.Score = score;
        Launch(ref args, t, stream);
    }

    private void Launch(ref DecodeArgs<T, TScore, TKeys> args, in AttentionTensors t, DeviceStream stream)
    {
        DeviceBuffer block = workspace.For(stream);
        block.Hold(); // the plan may be disposed meanwhile
        try
        {
            Launch(ref args, t, stream, device.View<float>(block));
        }
        finally
        {
            block.Release();
        }
    }

    private void Launch(ref DecodeArgs<T, TScore, TKeys> args, in AttentionTensors t, DeviceStream stream, ArrayView<float> parts)
    {
        args.Parts = parts;
        kernel.Launch(stream, groups, args);

        MergeArgs<float, T> combine = mergeSizes;
        combine.PartsO.Data = parts;
        combine.M = parts;
        combine.L = parts;
        combine.O = device.Heads<T>(t.O);
        combine.Lse = args.Flash.Lse;
        combine.LseOffset = args.Flash.LseOffset;
        combine.HasLse = args.Flash.HasLse;
        combine.Log2Factor = args.Flash.Score.Log2Factor;
        combine.KeyLengths = args.Flash.KeyLengths;
        combine.KeyLengthsOffset = args.Flash.KeyLengthsOffset;
        combine.HasKeyLengths = args.Flash.HasKeyLengths;
        combine.Sinks = device.Data<float>(t.Score.Sinks);
        combine.SinksOffset = t.Score.Sinks.Offset;
        combine.HasSinks = t.Score.Sinks.Flag();
        merge.Launch(stream, mergeGroups, combine);
    }

    public override void Dispose()
    {
        workspace.Dispose();
        base.Dispose();
    }
}
