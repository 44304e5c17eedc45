namespace AttnKernels.Simd;

/// <summary>What all work items of a softmax share.</summary>
internal unsafe struct SoftmaxPlan
{
    /// <summary>Elements of a work item, so that taking one costs little against its work.</summary>
    private const int ItemElements = 1 << 15;

    /// <summary>Outputs from this size on do not fit the caches.</summary>
    private const long StreamedBytes = 16 << 20;

    public SoftmaxArgs Args;

    /// <summary>Whether the output goes past the caches.</summary>
    public bool Streams;

    /// <summary>Rows of a work item.</summary>
    public int ItemRows;

    /// <summary>Work items of one (batch, head).</summary>
    public int HeadItems;

    public SoftmaxPlan(in SoftmaxArgs args)
    {
        Args = args;
        Streams = (long)args.Batch * args.Heads * args.Rows * args.Columns * args.TypeY.Size() >= StreamedBytes
            && args.X.Data != args.Y.Data;
        ItemRows = Math.Clamp(ItemElements / Math.Max(1, args.Columns), 1, args.Rows);
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
