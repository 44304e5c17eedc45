namespace AttnKernels.Simd;

/// <summary>What all work items of an attention call share: the arguments and the numbers derived from them.</summary>
internal unsafe struct AttentionPlan
{
    /// <summary>
    /// Keys of a block. The scores of a tile (64 queries wide) then take 32 KB, and the running output is read and written once for
    /// 128 multiply-adds on each of its elements.
    /// </summary>
    public const int BlockKeys = 128;

    /// <summary>Query tiles that share a widened block of K and V, so that the conversion costs a small part of the products.</summary>
    private const int WidenedTiles = 8;

    public AttentionArgs Args;

    /// <summary>
    /// Query heads of a key head. A tile's rows are (query, head in group), heads innermost: one K and V serves the group.
    /// </summary>
    public int Group;

    /// <summary>Rows of a key head: seqQ * group.</summary>
    public int Rows;

    /// <summary>Rows of a tile.</summary>
    public int TileRows;

    /// <summary>Tiles of a work item.</summary>
    public int ItemTiles;

    /// <summary>Work items of a key head.</summary>
    public int HeadItems;

    /// <summary>Threads that take items in their order: a thread's next one is about as many on. 0 = unknown.</summary>
    public int Threads;

    /// <summary>Folded into Q: scale * log2(e), or scale / softcap * TanhScale where there is a softcap.</summary>
    public float QueryScale;

    /// <summary>softcap * log2(e), or 0.</summary>
    public float SoftcapLog2;

    /// <summary>Whether K and V are gathered and widened to scratch.</summary>
    public bool Widens;

    /// <summary>Row strides of K and V blocks as the products read them, in floats.</summary>
    public nint StrideK;
    public nint StrideV;

    /// <summary>
    /// Whether some item has met infinite or NaN values: those that follow look for them before they multiply hidden keys.
    /// </summary>
    public bool Guards;

    public AttentionPlan(in AttentionArgs args, int tileRows)
    {
        Args = args;
        Group = args.HeadsQ / args.HeadsKv;
        Rows = checked(args.SeqQ * Group);
        TileRows = tileRows;
        Widens = KeyRows<Width1, float>.AreGathered(args.Keys) || args.Vectors.ArePresent;
        ItemTiles = Widens ? Math.Min(WidenedTiles, Tiles) : 1;
        HeadItems = (Tiles + ItemTiles - 1) / ItemTiles;
        float softcap = args.Score.Softcap;
        QueryScale = softcap > 0 ? args.Score.Scale / softcap * Exp2.TanhScale : args.Score.Scale * Exp2.Log2E;
        SoftcapLog2 = softcap > 0 ? softcap * Exp2.Log2E : 0;
        StrideK = Widens ? (nint)Scratch.Align(args.HeadDim) : (nint)args.K.RowStride;
        StrideV = Widens ? (nint)Scratch.Align(args.HeadDimV) : (nint)args.V.RowStride;
    }

    private readonly int Tiles => (Rows + TileRows - 1) / TileRows;

    /// <summary>
    /// Smaller items, down to tiles of one vector of <paramref name="width"/> lanes, as long as threads would wait for more than a tenth of
    /// the time. A row's bits depend on neither.
    /// </summary>
    public void ShareAmong(int threads, int width)
    {
        Threads = threads;
        while (IsUneven(threads) && ItemTiles > 1)
        {
            ItemTiles /= 2;
            HeadItems = (Tiles + ItemTiles - 1) / ItemTiles;
        }

        while (IsUneven(threads) && TileRows > width)
        {
            TileRows = (TileRows / width + 1) / 2 * width;
            HeadItems = Tiles;
        }
    }

    private readonly bool IsUneven(int threads)
    {
        long rounds = (Items + threads - 1L) / threads;
        return rounds * threads * 10 > Items * 11L;
    }

    /// <summary>Whether the products of Q and K are added to the bias as they are stored: nothing comes between them.</summary>
    public readonly bool AddsToBias => Args.Score.Bias.Data != null && SoftcapLog2 == 0;

    /// <summary>Whether anything but the band changes a score after the products.</summary>
    public readonly bool HasRules =>
        SoftcapLog2 > 0 || Args.Score.Mask.Data != null || Args.Score.DocumentsQ != null || Args.Score.Blocks.Data != null
        || Args.Score.Modifier.IsPresent || Args.Score.AlibiSlopes != null;

    public readonly int Items => checked(Args.Batch * Args.HeadsKv * HeadItems);

    /// <summary>
    /// Where a work item begins: the tiles [item % HeadItems] of a key head, the last ones first since under a causal mask they are the
    /// longest.
    /// </summary>
    public readonly (int Batch, int HeadKv, int Row) Place(int item)
    {
        int head = item / HeadItems;
        return (head / Args.HeadsKv, head % Args.HeadsKv, (HeadItems - 1 - item % HeadItems) * ItemTiles * TileRows);
    }

    public readonly long ScratchBytes =>
        sizeof(float) * (ItemTiles * QueryTile.Floats(this)
            + 2L * BlockKeys * TileRows
            + (Widens ? BlockKeys * (long)(StrideK + StrideV) : 0));

    public readonly int KeyLength(int batch) =>
        Args.Score.KeyLengths == null ? Args.SeqKv : Math.Clamp(Args.Score.KeyLengths[batch], 0, Args.SeqKv);
}
