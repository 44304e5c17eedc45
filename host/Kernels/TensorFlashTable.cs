namespace AttnKernels.Kernels;

/// <summary>
/// The instantiations of TensorFlashForward and the choice among them, for every head size up to 256. What decides a tile: O, S and the
/// rest of a lane's registers are at most 255, and as many query rows as possible share a load of K and V.
/// </summary>
internal static class TensorFlashTable<T, TFormat, TScore, TKeys>
    where T : unmanaged
    where TFormat : struct, ITensorFormat
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyTiles
{
    private const int FewRows = 64;

    /// <summary>
    /// Rows of several heads share a tile where that fills tiles better by more than a tenth (as FlashAttention-3 decides): finding their
    /// rows takes a little more.
    /// </summary>
    private const double Fuller = 0.9;

    /// <summary>
    /// In the order of preference. For heads up to 128, tiles of few and of many query rows have the same keys, so that a row's bits do not
    /// depend on which it gets.
    /// </summary>
    private static readonly FlashChoice<FlashArgs<T, TScore, TKeys>>[] Choices = TFormat.PerChunk < 8 ? Wide() : Narrow();

    /// <summary>
    /// fp32, whose parts take registers of their own: with 128 rows of 128 columns ptxas spills, and with 64 rows of 256 columns, too, 16
    /// to 164 bytes beside 254 and 255 registers, at 16 keys as at 32. 64 rows of 192 columns would fit (253 at 16 keys), but such a row is
    /// more than a group copies at once. Told of four groups, ptxas takes 128 registers instead of 129; packed keys would spill.
    /// </summary>
    private static FlashChoice<FlashArgs<T, TScore, TKeys>>[] Wide() =>
        [Rows<TensorTile128>.Tile(32, 64), Rows<TensorTile64>.Tile(32, 64, IsPlainFp32 ? 4 : 0), Rows<TensorTile64>.Tile(32, 128)];

    private static bool IsPlainFp32 => !TScore.IsPointwise && typeof(TKeys) == typeof(PlainKeys<float, Float32Element>);

    /// <summary>Scores that are looked up pair by pair make much code: half as many keys.</summary>
    private static int Keys => TScore.IsPointwise ? 32 : 64;

    private static FlashChoice<FlashArgs<T, TScore, TKeys>>[] Narrow() =>
    [
        Rows<TensorTile128>.Tile(Keys, 64),
        Rows<TensorTile128>.Tile(Keys, 96), // a quarter fewer products than with 128 columns, and 64 keys fit: O 96 registers, S 64
        Rows<TensorTile128>.Tile(32, 128), // O takes 128 registers, S 32; with 64 keys ptxas spills
        Rows<TensorTile64>.Tile(Keys, 64),
        Rows<TensorTile64>.Tile(Keys, 96),
        Rows<TensorTile64>.Tile(32, 128, TScore.IsPointwise ? 3 : 0), // 150 registers, where ptxas by itself took 186
        Rows<TensorTile64>.Tile(Keys, 256), // O takes 128 registers, S 16 or 32
        Rows<TensorTile64>.Tile(16, 256), // for 48 KB of shared memory
    ];

    public static readonly KernelEntry<FlashArgs<T, TScore, TKeys>>[] Entries =
        [.. Choices.Select(choice => choice.Entry)];

    /// <summary>"128x64 D64" for each entry.</summary>
    public static IReadOnlyList<string> Tiles => [.. Choices.Select(choice => $"{choice.Tile} D{choice.HeadDim}")];

    /// <summary>
    /// As <see cref="Choose"/>, but the tile that the problem asks for or that was measured on the device takes the estimate's place,
    /// where there is one of that name that fits and is no wider.
    /// </summary>
    public static FlashChoice<FlashArgs<T, TScore, TKeys>>? Pick(KernelDevice device, AttentionProblem problem, int splits, out string why)
    {
        if (Choose(device.Info, problem, splits, out why) is not { } estimate) return null;
        FlashChoice<FlashArgs<T, TScore, TKeys>>[] fitting = [.. Choices.Where(c =>
            c.HeadDim == estimate.HeadDim && c.Entry.SharedBytes <= device.Info.SharedMemoryPerGroup)];
        string[] tiles = [.. fitting.Select(c => c.Tile)];
        // A caller's score rule is not part of the problem: nothing that was measured is of it.
        string? tuned = problem.Tile is null && !typeof(TScore).IsGenericType ? device.Tuning.Find(problem)?.Tile : null;
        int picked = Array.IndexOf(tiles, problem.Tile ?? tuned);
        if (picked < 0)
        {
            if (problem.Tile is null && device.Tuning.Remark.Length > 0) why += $"; {device.Tuning.Remark}";
            return estimate with { Tiles = tiles };
        }
        why = tuned is null ? $"{tiles[picked]} tiles, as asked for" : Tuning.Why(tuned);
        return WithHeads(fitting[picked], problem) with { Tiles = tiles };
    }

    /// <summary>
    /// The kernel for a problem, whose keys are in so many splits, on a device, and why its tile; null where none fits, and why not.
    /// </summary>
    public static FlashChoice<FlashArgs<T, TScore, TKeys>>? Choose(
        DeviceInfo device, AttentionProblem problem, int splits, out string why)
    {
        int widest = Math.Max(problem.HeadDim, problem.HeadDimV);
        why = widest <= Choices[0].HeadDim || (TFormat.PerChunk == 8 && widest <= 128)
            ? "32 query rows a warp share each load of K and V"
            : TFormat.PerChunk == 8 ? "16 query rows a warp, whose O alone takes 128 registers a lane"
            : "16 query rows a warp, whose products of parts leave no registers for more";
        foreach (FlashChoice<FlashArgs<T, TScore, TKeys>> tile in Choices.Where(c => widest <= c.HeadDim))
        {
            FlashChoice<FlashArgs<T, TScore, TKeys>> choice = WithHeads(tile, problem);
            int rows = problem.SeqQ * choice.Heads;
            long groups = choice.Groups(problem) * splits;
            if (choice.Entry.SharedBytes > device.SharedMemoryPerGroup)
                why += $"; fewer keys than a tile of {choice.Entry.SharedBytes} bytes, " +
                    $"since the device gives {device.SharedMemoryPerGroup}";
            else if (choice.Br > FewRows && rows <= FewRows)
                why = $"16 query rows a warp, since there are only {rows}";
            else if (choice.Br > FewRows && groups < device.ComputeUnits)
                why = $"16 query rows a warp, since {groups} larger tiles leave some of {device.ComputeUnits} multiprocessors idle";
            else
                return choice;
        }
        why = widest <= Choices[^1].HeadDim
            ? $"no tile fits into the {device.SharedMemoryPerGroup} bytes of shared memory that the device gives"
            : TFormat.PerChunk == 8
            ? $"O of heads wider than {Choices[^1].HeadDim} does not fit into a lane's 255 registers"
            : $"the parts of fp32 beside O of heads wider than {Choices[^1].HeadDim} do not fit into a lane's 255 registers";
        return null;
    }

    private static FlashChoice<FlashArgs<T, TScore, TKeys>> WithHeads(
        FlashChoice<FlashArgs<T, TScore, TKeys>> tile, AttentionProblem problem) =>
        SharesTiles(problem, tile.Br) ? tile with { Heads = problem.HeadsQ / problem.HeadsKv } : tile;

    private static bool SharesTiles(AttentionProblem p, int br)
    {
        int heads = p.HeadsQ / p.HeadsKv;
        if (heads == 1 || (long)p.SeqQ * heads * heads > TileHeads.MostRows) return false;
        // Of packed sequences the longest is known; most are shorter.
        return p.Packed is not null || Filled(p.SeqQ) < Fuller * Filled(p.SeqQ * heads);

        double Filled(int rows) => (double)rows / (Grids.Tiles(rows, br) * br);
    }

    private static class Rows<TTile>
        where TTile : struct, ITensorTile
    {
        /// <summary>A tile of so many keys, for heads up to so many columns.</summary>
        public static FlashChoice<FlashArgs<T, TScore, TKeys>> Tile(int keys, int columns, int groupsAtOnce = 0)
        {
            TensorColumn<TFormat, TTile> c16 = default;
            var c32 = Both(c16, c16);
            var c64 = Both(c32, c32);
            var c128 = Both(c64, c64);
            var c256 = Both(c128, c128);
            return (keys, columns) switch
            {
                (32, 64) => Of(c32, c64, groupsAtOnce),
                (64, 64) => Of(c64, c64, groupsAtOnce),
                (32, 96) => Of(c32, Both(c64, c32), groupsAtOnce),
                (64, 96) => Of(c64, Both(c64, c32), groupsAtOnce),
                (32, 128) => Of(c32, c128, groupsAtOnce),
                (16, 256) => Of(c16, c256, groupsAtOnce),
                (32, 256) => Of(c32, c256, groupsAtOnce),
                (64, 256) => Of(c64, c256, groupsAtOnce),
                _ => throw new ArgumentOutOfRangeException(nameof(columns), $"{keys} keys of {columns} columns"),
            };
        }

        private static BothColumns<TFormat, TLeft, TRight> Both<TLeft, TRight>(TLeft left, TRight right)
            where TLeft : struct, ITensorColumns<TFormat>
            where TRight : struct, ITensorColumns<TFormat> => new() { Left = left, Right = right };

        private static FlashChoice<FlashArgs<T, TScore, TKeys>> Of<TScores, TOutput>(TScores scores, TOutput output, int groupsAtOnce)
            where TScores : struct, ITensorColumns<TFormat>
            where TOutput : struct, ITensorColumns<TFormat>
        {
            int br = TensorFlashTile<TFormat, TTile, TScores, TOutput>.Br;
            string tile = $"{br}x{TScores.Columns}";
            KernelEntry<FlashArgs<T, TScore, TKeys>> entry = new(
                $"TensorFlashForward {Elements.Label<TFormat>()} {tile} D<={TOutput.Columns} " +
                $"{ScoreLabel.Of<TScore>()}{KeyLabel.Of<TKeys>()}",
                TensorFlashForward<T, TFormat, TTile, TScores, TOutput, TScore, TKeys>.Kernel,
                TensorFlashTile<TFormat, TTile, TScores, TOutput>.GroupSize,
                TensorFlashTile<TFormat, TTile, TScores, TOutput>.SharedBytes)
            {
                NeedsTensorCores = true,
                GroupsPerMultiprocessor = groupsAtOnce,
            };
            return new FlashChoice<FlashArgs<T, TScore, TKeys>>(entry, br, TOutput.Columns) { Tile = tile };
        }
    }
}
