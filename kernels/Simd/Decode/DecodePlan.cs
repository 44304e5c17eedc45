namespace AttnKernels.Simd;

/// <summary>What the work items of attention with few query rows share.</summary>
internal unsafe struct DecodePlan
{
    /// <summary>
    /// Rows of a key head (queries times heads of the group) up to which keys are split and K and V are streamed once: with more rows the
    /// query tiles need fewer instructions a key.
    /// </summary>
    public const int MaxRows = 8;

    /// <summary>Keys of a work item. A fixed number, so that results do not depend on the threads.</summary>
    public const int SplitKeys = 512;

    /// <summary>
    /// Keys of fp32 that are multiplied at a time, more of narrower types: rows are then asked for whole and in order, though a register
    /// tile takes 64 columns of V.
    /// </summary>
    public const int BlockKeys = 8;

    /// <summary>
    /// How far ahead K and V are prefetched, into the second-level cache; what the hardware prefetches by itself gave half the
    /// bandwidth.
    /// </summary>
    public const int KeysAhead = 12;

    public AttentionArgs Args;

    /// <summary>Query heads of a key head; a row is (query, head in group), heads innermost.</summary>
    public int Group;

    /// <summary>Rows of a key head.</summary>
    public int Rows;

    /// <summary>Work items of a key head.</summary>
    public int Splits;

    /// <summary>Floats of a padded row of Q or K, and of O or V.</summary>
    public int StepK;
    public int StepV;

    /// <summary>(batch, headsKv) finished work items, all 0 before the run.</summary>
    public int* Finished;

    /// <summary>
    /// (batch, headsKv, split, rows) sums of exp(s - m) V, StepV floats each; the m and the l of the rows follow all of them.
    /// </summary>
    public float* Partial;

    public DecodePlan(in AttentionArgs args)
    {
        Args = args;
        Group = args.HeadsQ / args.HeadsKv;
        Rows = Group * args.SeqQ;
        Splits = Math.Max(1, (args.SeqKv + SplitKeys - 1) / SplitKeys);
        StepK = (int)Scratch.Align(args.HeadDim);
        StepV = (int)Scratch.Align(args.HeadDimV);
    }

    public static bool Fits(in AttentionArgs args) => (long)args.HeadsQ / args.HeadsKv * args.SeqQ <= MaxRows;

    public readonly int Items => checked(Args.Batch * Args.HeadsKv * Splits);

    /// <summary>Memory that the items of a run share.</summary>
    public readonly long SharedBytes => FinishedBytes + PartialBytes;

    private readonly long FinishedBytes => sizeof(int) * Scratch.Align((long)Args.Batch * Args.HeadsKv);

    private readonly long PartialBytes => sizeof(float) * Scratch.Align((long)Items * Rows * (StepV + 2));

    /// <summary>Q, dot products, scores, an operand of the rules, and a block of keys where they change before they are compared.</summary>
    public readonly long ScratchBytes =>
        sizeof(float) * ((long)Rows * StepK + (2L * Rows + 1) * SplitKeys + (Args.Vectors.ArePresent ? (long)BlockKeys * StepK : 0));

    /// <summary>Takes <see cref="SharedBytes"/>; no item is finished.</summary>
    public void Place(byte* shared)
    {
        Finished = (int*)shared;
        Partial = (float*)(shared + FinishedBytes);
        new Span<byte>(shared, checked((int)FinishedBytes)).Clear();
    }

    /// <summary>The work item for this type of keys.</summary>
    public readonly delegate*<void*, int, byte*, void> Item<W, V, E>()
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        bool pairs = W.TileVectors % 2 == 0 && Args.HeadDim % (2 * W.Count) == 0 && Args.HeadDimV % (2 * W.Count) == 0;
        return Args.Keys.Type switch
        {
            DType.Float16 when pairs => &DecodeForward<W, V, E, Float16Pairs>.Item,
            DType.Float16 => &DecodeForward<W, V, E, Plain<Float16Element>>.Item,
            DType.BFloat16 when pairs => &DecodeForward<W, V, E, BFloat16Pairs>.Item,
            DType.BFloat16 => &DecodeForward<W, V, E, Plain<BFloat16Element>>.Item,
            DType.Int8 => &DecodeForward<W, V, E, Plain<Int8Element>>.Item,
            _ => &DecodeForward<W, V, E, Plain<Float32Element>>.Item,
        };
    }

    /// <summary>The partial result of a row of a work item: O, then m and l.</summary>
    public readonly float* PartialO(int item, int row) => Partial + ((long)item * Rows + row) * StepV;

    public readonly float* PartialM(int item, int row) => Partial + (long)Items * Rows * StepV + ((long)item * Rows + row) * 2;
}
