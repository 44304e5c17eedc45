using AttnKernels.Plans;

namespace AttnKernels.Kernels;

/// <summary>FlashForward on one device, for one problem.</summary>
internal sealed class KernelAttention<T, TElement, TScore, TBinding, TKeys, TKeyBinding>
    : Executable<AttentionTensors>, IScored<TScore>, ITiled
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TBinding : struct, IScoreBinding<TScore>
    where TKeys : struct, IKeyTiles
    where TKeyBinding : struct, IKeyBinding<TKeys>
{
    private readonly KernelDevice device;
    private readonly AttentionProblem problem;
    private readonly FlashChoice<FlashArgs<T, TScore, TKeys>> choice;
    private readonly LoadedKernel<FlashArgs<T, TScore, TKeys>> kernel;
    private readonly int groups;
    private readonly string reason;
    private readonly FlashArgs<T, TScore, TKeys> sizes;

    public KernelAttention(KernelDevice device, AttentionProblem problem)
    {
        choice = OnTensorCores(device, problem, splits: 1, out reason) ?? Portable(device, problem, ref reason);
        this.device = device;
        this.problem = problem;
        kernel = device.Load(choice.Entry);
        groups = Grids.Groups(choice.Groups(problem), choice.Entry, device);
        sizes = Sizes(problem, choice.Heads);
        sizes.SectionHeads = HeadSections.Heads(problem, device.Info) / choice.Heads;
        sizes.Parts = new SplitParts { Splits = 1, Keys = int.MaxValue, Groups = groups };
    }

    public string Tile => choice.Tile;

    public IReadOnlyList<string> Tiles => choice.Tiles;

    /// <summary>The part of the arguments that the problem alone decides, and how many heads share a tile.</summary>
    public static FlashArgs<T, TScore, TKeys> Sizes(AttentionProblem problem, int heads = 1) => new()
    {
        Heads = TileHeads.Of(problem.HeadsQ, heads),
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

    public override string Explain() =>
        $"{kernel.Describe(choice.Entry, groups)}; {reason}; {TileHeadsText(sizes.Heads.Count)}"
        + $"{sizes.SectionHeads * sizes.Heads.Count} of {problem.Batch * problem.HeadsQ} heads side by side; "
        + $"scores {(TScore.IsPointwise ? "looked up pair by pair" : "masked only in tiles that the band cuts")}";

    /// <summary>Says that heads share a tile.</summary>
    public static string TileHeadsText(int heads) =>
        heads == 1 ? "" : $"a tile has rows of {heads} heads, whose keys are the same, since those of one would leave it emptier; ";

    /// <summary>The tensor-core kernel, or null and why not.</summary>
    public static FlashChoice<FlashArgs<T, TScore, TKeys>>? OnTensorCores(
        KernelDevice device, AttentionProblem problem, int splits, out string reason)
    {
        if (problem.Type == DType.Float32 && problem.InputPrecision == InputPrecision.Ieee)
            reason = "no tensor cores, since fp32 is multiplied as fp32";
        else if (!device.HasTensorCores)
            reason = "no tensor cores on this device";
        else if (problem.KvType != problem.Type)
            reason = $"no tensor cores, which multiply keys only as they are stored, and these are {problem.KvType} beside {problem.Type}";
        else if (problem.ChangesVectors)
            reason = "no tensor cores, which multiply keys only as they are stored, and these turn or are normalised first";
        else if (TensorChoice(device, problem, splits, out string tile) is { } choice)
        {
            reason = $"on tensor cores; {tile}";
            return choice;
        }
        else
            reason = $"no tensor cores, since {tile}";
        return null;
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> Portable(KernelDevice device, AttentionProblem problem, ref string reason)
    {
        FlashChoice<FlashArgs<T, TScore, TKeys>> choice = FlashTable<T, TElement, TScore, TKeys>.Choose(device.Info, problem,
            out string tile);
        reason += $"{problem.InsteadOfPrecision}; {tile}";
        return choice;
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>>? TensorChoice(KernelDevice device, AttentionProblem problem, int splits,
        out string tile) => problem.Type switch
        {
            DType.Float32 => TensorFlashTable<T, Tf32x3Format, TScore, TKeys>.Pick(device, problem, splits, out tile),
            DType.Float16 => TensorFlashTable<T, PairFormat<Float16Tensor>, TScore, TKeys>.Pick(device, problem, splits, out tile),
            _ => TensorFlashTable<T, PairFormat<BFloat16Tensor>, TScore, TKeys>.Pick(device, problem, splits, out tile),
        };

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        FlashArgs<T, TScore, TKeys> args = sizes;
        Fill(ref args, device, problem, t);
        kernel.Launch(stream, groups, args);
    }

    /// <summary>A run with a score rule that has values of its own.</summary>
    public void Run(in AttentionTensors t, in TScore score, DeviceStream stream)
    {
        FlashArgs<T, TScore, TKeys> args = sizes;
        Fill(ref args, device, problem, t);
        args.Score = score;
        kernel.Launch(stream, groups, args);
    }

    /// <summary>Adds the tensors of one run.</summary>
    public static void Fill(
        ref FlashArgs<T, TScore, TKeys> args, KernelDevice device, AttentionProblem problem, in AttentionTensors t)
    {
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
    }
}
