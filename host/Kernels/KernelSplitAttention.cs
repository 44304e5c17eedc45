using AttnKernels.Plans;
using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Attention whose keys are split, FlashDecode or TensorFlashForward, and then MergeParts, on one device, for a problem with few query
/// rows a key head.
/// </summary>
internal sealed class KernelSplitAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>
    : Executable<AttentionTensors>, IScored<TScore>, ITiled
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
    where TKeys : struct, IKeyRows, IKeyTiles
    where TKeyBinding : struct, IKeyBinding<TKeys>
{
    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly FlashChoice<FlashArgs<T, TScore, TKeys>> choice;
    private readonly LoadedKernel<FlashArgs<T, TScore, TKeys>> kernel;
    private readonly LoadedKernel<MergeArgs<float, T>> merge;
    private readonly int groups, mergeGroups;
    private readonly string reason;
    private readonly bool isDecode;
    private readonly FlashArgs<T, TScore, TKeys> sizes;
    private readonly MergeArgs<float, T> mergeSizes;
    private readonly StreamWorkspace workspace;

    /// <summary>The plan for a problem of keys that any of these kernels can take: split where <see cref="KeySplits"/> says so.</summary>
    public static Executable<AttentionTensors> OrWhole(KernelDevice device, AttentionProblem p)
    {
        bool isOnTensorCores =
            KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.OnTensorCores(device, p, 1, out _) is not null;
        bool isDecode = KeySplits.OfDecode(p, isOnTensorCores);
        return isDecode || (isOnTensorCores && KeySplits.OnTensorCores(p) < p.SeqKv)
            ? new KernelSplitAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>(device, p, isDecode)
            : new KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>(device, p);
    }

    private KernelSplitAttention(KernelDevice device, AttentionProblem p, bool isDecode)
    {
        this.device = device;
        this.isDecode = isDecode;
        problem = p;
        int splitKeys = isDecode ? KeySplits.DecodeKeys : KeySplits.OnTensorCores(p);
        int splits = (int)Grids.Tiles(p.SeqKv, splitKeys);
        choice = isDecode ? Decode(p, out reason) : OnTensorCores(device, p, splits, out reason);
        kernel = device.Load(choice.Entry);
        merge = device.Load(KernelMerge<float, Float32Element, T, TElement>.Entry);
        long groupsOfSplit = choice.Groups(p);
        groups = Grids.Groups(groupsOfSplit * splits, choice.Entry, device);
        mergeGroups = KernelMerge<float, Float32Element, T, TElement>.Groups(device, (long)p.Batch * p.HeadsQ * p.SeqQ, p.HeadDimV, splits);

        int stride = (p.HeadDimV + 3) / 4 * 4;
        long partRows = (long)splits * p.Batch * p.HeadsQ * p.SeqQ;
        sizes = KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Sizes(p, choice.Heads);
        sizes.SectionHeads = p.Batch * p.HeadsQ / choice.Heads;
        sizes.Parts = new SplitParts
        {
            MOffset = partRows * stride,
            LOffset = partRows * (stride + 1),
            OStride = stride,
            Splits = splits,
            Keys = splitKeys,
            Groups = (int)groupsOfSplit,
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
            MOffset = sizes.Parts.MOffset,
            LOffset = sizes.Parts.LOffset,
            HasSums = 1,
            Slots = MergeSizes.Slots(splits),
            SplitKeys = splitKeys,
            SeqKv = p.SeqKv,
            Band = p.Band,
            IsRing = p.Kv.IsRing ? 1 : 0,
        };
        workspace = new StreamWorkspace(device, sizeof(float) * partRows * (stride + 2));
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> Decode(AttentionProblem p, out string reason)
    {
        int rows = (int)KeySplits.Rows(p);
        KernelEntry<FlashArgs<T, TScore, TKeys>> entry =
            DecodeTable<T, TElement, TScore, TKeys>.Choose(Math.Max(p.HeadDim, p.HeadDimV), rows, out int tileRows);
        reason = $"few query rows a key head ({rows}), so reading K and V takes the time, and tensor cores would wait for it" +
            p.InsteadOfPrecision;
        return new FlashChoice<FlashArgs<T, TScore, TKeys>>(entry, tileRows, 0) { Heads = p.HeadsQ / p.HeadsKv };
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> OnTensorCores(
        KernelDevice device, AttentionProblem p, int splits, out string reason)
    {
        FlashChoice<FlashArgs<T, TScore, TKeys>> choice =
            KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.OnTensorCores(device, p, splits, out reason)!;
        reason += $"; {KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.TileHeadsText(choice.Heads)}" +
            $"few query rows a key head ({KeySplits.Rows(p)}) would leave multiprocessors idle";
        return choice;
    }

    public string Tile => choice.Tile;

    public IReadOnlyList<string> Tiles => choice.Tiles;

    public override long WorkspaceBytes => workspace.Bytes;

    public override void Prepare(DeviceStream stream) => workspace.For(stream);

    public override string Explain() =>
        $"{kernel.Describe(choice.Entry, groups)}; {reason}: " +
        $"{sizes.Parts.Splits} splits of {sizes.Parts.Keys} keys, read once for all rows, then " +
        merge.Describe(KernelMerge<float, Float32Element, T, TElement>.Entry, mergeGroups);

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        FlashArgs<T, TScore, TKeys> args = sizes;
        KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Fill(ref args, device, problem, t);
        Launch(ref args, t, stream);
    }

    public void Run(in AttentionTensors t, in TScore score, DeviceStream stream)
    {
        FlashArgs<T, TScore, TKeys> args = sizes;
        KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>.Fill(ref args, device, problem, t);
        args.Score = score;
        Launch(ref args, t, stream);
    }

    private void Launch(ref FlashArgs<T, TScore, TKeys> args, in AttentionTensors t, DeviceStream stream)
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

    private void Launch(ref FlashArgs<T, TScore, TKeys> args, in AttentionTensors t, DeviceStream stream, ArrayView<float> parts)
    {
        args.Parts.Data = parts;
        kernel.Launch(stream, groups, args);

        MergeArgs<float, T> combine = mergeSizes;
        combine.PartsO.Data = parts;
        combine.M = parts;
        combine.L = parts;
        combine.O = device.Heads<T>(t.O);
        combine.Lse = args.Lse;
        combine.LseOffset = args.LseOffset;
        combine.HasLse = args.HasLse;
        combine.Log2Factor = isDecode ? args.Score.Log2Factor : 1f; // on tensor cores m is an exponent
        combine.SinkFactor = isDecode ? 1f : args.Score.Log2Factor;
        combine.KeyLengths = args.KeyLengths;
        combine.KeyLengthsOffset = args.KeyLengthsOffset;
        combine.HasKeyLengths = args.HasKeyLengths;
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
