using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What kernels that split the keys leave in a workspace: sums of exp(s - m) V (splits, batch, headsQ, seqQ, OStride), then m and then l
/// (splits, batch, headsQ, seqQ). MergeParts combines them. Nothing is written, or read later, of a split without a key that the row sees.
/// </summary>
public struct SplitParts
{
    public ArrayView<float> Data;
    public long MOffset, LOffset;

    /// <summary>headDimV, rounded up to a multiple of 4.</summary>
    public int OStride;

    /// <summary>1: there are no parts, and O and LSE are written.</summary>
    public int Splits;

    /// <summary>Keys of a split, and groups that work on one.</summary>
    public int Keys, Groups;

    /// <summary>Where a row of a split lies among all rows of all splits.</summary>
    public static long Row<T, TScore, TKeys>(in FlashArgs<T, TScore, TKeys> args, int split, int b, int h, int i)
        where T : unmanaged
        where TScore : struct, IScoreRule
        where TKeys : struct, IKeySource => (((long)split * args.Batch + b) * args.HeadsQ + h) * args.SeqQ + i;

    /// <summary>
    /// m and l of a row, and -inf for m where all keys are hidden. A maximum may pass a NaN over, the sum does not: m is NaN then, too.
    /// </summary>
    public readonly void Write(long row, float m, float l)
    {
        if (!(l >= 0f)) m = l;
        Data[MOffset + row] = l == 0f ? float.NegativeInfinity : m;
        Data[LOffset + row] = l;
    }
}
