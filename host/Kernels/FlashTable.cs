namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of FlashForward and the choice among them: for each head size a tile within the 48 KB of shared memory that every
/// device has, and a wide one for devices with more (FlashTiles.cs says what it gains); for heads wider than any of them one that takes
/// them in chunks.
/// </summary>
internal static class FlashTable<T, TElement, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeySource
{
    private static readonly FlashChoice<FlashArgs<T, TScore, TKeys>>[] Narrow =
        [EightRows<FlashTile64>(), EightRows<FlashTile128>(), FourRows<FlashTile256>()];

    private static readonly FlashChoice<FlashArgs<T, TScore, TKeys>>[] Wide =
        [EightRows<WideFlashTile64>(), EightRows<WideFlashTile128>(), FourRows<WideFlashTile256>()];

    private static readonly FlashChoice<FlashArgs<T, TScore, TKeys>> Chunks = FourRows<ChunkFlashTile>();

    public static readonly KernelEntry<FlashArgs<T, TScore, TKeys>>[] Entries =
        [.. Narrow.Concat(Wide).Append(Chunks).Select(choice => choice.Entry)];

    /// <summary>The kernel for a problem on a device, and why its tile.</summary>
    public static FlashChoice<FlashArgs<T, TScore, TKeys>> Choose(DeviceInfo device, AttentionProblem problem, out string why)
    {
        int widest = Math.Max(problem.HeadDim, problem.HeadDimV);
        int index = Array.FindIndex(Narrow, choice => widest <= choice.HeadDim);
        if (index < 0)
        {
            why = $"{Chunks.HeadDim} columns at a time, since heads are wider than any tile";
            return Chunks;
        }
        string? whyNot = Wide[index].WhyNot(device, problem);
        why = whyNot ?? "the wide tile for this head dim";
        return whyNot is null ? Wide[index] : Narrow[index];
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> EightRows<TTile>()
        where TTile : struct, IFlashTile => Entry<TTile, Twice<TTile, Twice<TTile, Twice<TTile, FlashRow<TTile>>>>>();

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> FourRows<TTile>()
        where TTile : struct, IFlashTile => Entry<TTile, Twice<TTile, Twice<TTile, FlashRow<TTile>>>>();

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> Entry<TTile, TRows>()
        where TTile : struct, IFlashTile
        where TRows : struct, IFlashRows
    {
        string heads = $"{(TTile.InChunks ? "D by " : "D<=")}{FlashTile<TTile>.HeadDim}";
        string name = $"FlashForward {Elements.Label<TElement>()} {FlashTile<TTile>.Br}x{FlashTile<TTile>.Bc} {heads} " +
            $"{ScoreLabel.Of<TScore>()}{KeyLabel.Of<TKeys>()}";
        return new FlashChoice<FlashArgs<T, TScore, TKeys>>(
            new KernelEntry<FlashArgs<T, TScore, TKeys>>(
                name, FlashForward<T, TElement, TTile, TRows, TScore, TKeys>.Kernel, TTile.GroupSize, FlashTile<TTile>.SharedBytes),
            FlashTile<TTile>.Br, FlashTile<TTile>.HeadDim)
        { InChunks = TTile.InChunks };
    }
}

/// <summary>
/// An instantiation of FlashForward, the query rows of its tile, and the widest heads that it serves, or columns of a chunk.
/// </summary>
internal sealed record FlashChoice<TArgs>(KernelEntry<TArgs> Entry, int Br, int HeadDim)
    where TArgs : struct
{
    /// <summary>A wide tile of fewer rows or keys would be mostly empty.</summary>
    private const int FewestRows = 33;

    /// <summary>Shared memory that CUDA takes for itself, a group.</summary>
    private const int Reserved = 1024;

    /// <summary>Query heads whose rows share a tile.</summary>
    public int Heads { get; init; } = 1;

    /// <summary>On tensor cores: "128x64", query rows and keys.</summary>
    public string Tile { get; init; } = "";

    /// <summary>On tensor cores: the tiles that a problem could have on a device, this one among them.</summary>
    public IReadOnlyList<string> Tiles { get; init; } = [];

    /// <summary>Whether each chunk of V's columns has groups of its own.</summary>
    public bool InChunks { get; init; }

    /// <summary>Groups of the grid.</summary>
    public long Groups(AttentionProblem problem) =>
        Grids.Tiles(problem.SeqQ * Heads, Br) * (problem.HeadsQ / Heads) * problem.Batch
        * (InChunks ? Grids.Tiles(problem.HeadDimV, HeadDim) : 1);

    /// <summary>
    /// Why this wide tile would not pay, or null: it must not be mostly empty, one group loads while another computes only where two fit
    /// into a multiprocessor, and each multiprocessor wants a group.
    /// </summary>
    public string? WhyNot(DeviceInfo device, AttentionProblem problem)
    {
        if (problem.SeqQ < FewestRows || problem.SeqKv < FewestRows)
            return $"no wide tile, which {problem.SeqQ} rows by {problem.SeqKv} keys would not fill";
        if (Entry.SharedBytes > device.SharedMemoryPerGroup || 2 * (Entry.SharedBytes + Reserved) > device.SharedMemoryPerMultiprocessor)
            return $"no wide tile, of which no two, {Entry.SharedBytes} bytes each, fit into a multiprocessor";
        if (Groups(problem) < device.ComputeUnits)
            return $"no wide tile, whose {Groups(problem)} groups would leave some of {device.ComputeUnits} multiprocessors idle";
        return null;
    }
}
