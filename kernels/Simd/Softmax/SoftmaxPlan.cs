namespace AttnKernels.Simd;

/// <summary>What all work items of a softmax share.</summary>
internal unsafe struct SoftmaxPlan
{
    /// <summary>
    /// Elements of a work item: the memory's streams start anew with each, so they are long where there is enough for all threads.
    /// </summary>
    private const int LeastElements = 1 << 13;
    private const int MostElements = 1 << 17;

    /// <summary>Items of a thread, so that one that is held up leaves its share to the others.</summary>
    private const int ThreadItems = 8;

    /// <summary>Outputs from this size on do not fit the caches.</summary>
    private const long StreamedBytes = 16 << 20;

    public SoftmaxArgs Args;

    /// <summary>Whether the output goes past the caches.</summary>
    public bool Streams;

    /// <summary>Rows of a work item.</summary>
    public int ItemRows;

    /// <summary>Work items of one (batch, head).</summary>
    public int HeadItems;

    public SoftmaxPlan(in SoftmaxArgs args, int threads)
    {
        Args = args;
        Streams = (long)args.Batch * args.Heads * args.Rows * args.Columns * args.TypeY.Size() >= StreamedBytes
            && args.X.Data != args.Y.Data;
        long share = (long)args.Batch * args.Heads * args.Rows * args.Columns / (ThreadItems * threads);
        ItemRows = (int)Math.Clamp(Math.Clamp(share, LeastElements, MostElements) / Math.Max(1, args.Columns), 1, args.Rows);
        HeadItems = (args.Rows + ItemRows - 1) / ItemRows;
    }

    /// <summary>Whether every row is exp(scale x) over its sum, key lengths aside.</summary>
    public readonly bool IsPlain =>
        !Args.Log && !Args.Scores && Args.Score.Softcap <= 0 && !Args.Score.HidesKeys && Args.Score.AlibiSlopes == null
        && Args.Score.HeadScales == null && Args.Score.Sinks == null
        && Args.Score.Band is { Left: >= KeyBand.Unlimited, Right: >= KeyBand.Unlimited };

    public readonly int Items => checked(Args.Batch * Args.Heads * HeadItems);

    /// <summary>One row of scores and one of bias.</summary>
    public readonly long ScratchBytes => 2 * sizeof(float) * Scratch.Align(Args.Columns);
}
