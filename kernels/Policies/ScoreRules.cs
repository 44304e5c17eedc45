using ILGPU;
using ILGPU.Algorithms;

namespace AttnKernels.Kernels;

/// <summary>
/// Turns dot products into scores; minus infinity hides the key from the query. The band (causal, window, key lengths) is applied by
/// <see cref="ScoreRow"/>, not here. The kernel raises 2 to (score - max) * <see cref="Log2Factor"/>: subtracting first keeps the exponent
/// of the keys that matter exact, where scaling first would round it at the size of the scores.
/// </summary>
public interface IScoreRule
{
    /// <summary>False: the score depends on the dot product alone, so a tile inside the band needs no look at indices.</summary>
    static abstract bool IsPointwise { get; }

    /// <summary>Whether whole tiles may be hidden, and a sink may take part; false: neither is looked at.</summary>
    static abstract bool IsGeneral { get; }

    /// <summary>What a score is multiplied by to become a base-2 exponent; positive.</summary>
    float Log2Factor { get; }

    /// <summary>The scores of a row for four keys of its band, which may be the same key.</summary>
    F4 Score(F4 dots, in ScoreRow row, I4 keys);

    /// <summary>A score without a key that takes part in the sum of head <paramref name="h"/>'s rows; minus infinity: none.</summary>
    float Sink(int h);

    /// <summary>
    /// Whether no query of i .. iLast of <paramref name="heads"/> heads from h on sees a key of j .. jLast; false where that is not known.
    /// The same in all lanes.
    /// </summary>
    bool HidesTile(int b, int h, int heads, int i, int iLast, int j, int jLast);
}

/// <summary>s = scale * dot with a positive scale, which waits in the factor: the largest dot product is the largest score.</summary>
public struct PlainScore : IScoreRule
{
    /// <summary>scale * log2(e).</summary>
    public float ScaleLog2;

    public static bool IsPointwise => false;

    public static bool IsGeneral => false;

    public readonly float Log2Factor => ScaleLog2;

    public readonly F4 Score(F4 dots, in ScoreRow row, I4 keys) => dots;

    public readonly float Sink(int h) => float.NegativeInfinity;

    public readonly bool HidesTile(int b, int h, int heads, int i, int iLast, int j, int jLast) => false;
}

/// <summary>
/// Every term of the contract, each present where its flag is 1: scales of heads, softcap, additive bias, ALiBi, masks, sinks.
/// </summary>
/// <remarks>A term is asked for once in four scores, and what it needs of the row is looked up once.</remarks>
public struct GeneralScore : IScoreRule
{
    public float Scale;

    /// <summary>0 = none.</summary>
    public float Softcap;

    /// <summary>1 / <see cref="Softcap"/>.</summary>
    public float InverseSoftcap;
    public int HasMask;

    public int HasAlibi;

    /// <summary>Nonzero = attend.</summary>
    public ArrayView<byte> Mask;
    public BroadcastStrides MaskAt;
    public FloatView Bias;
    public BroadcastStrides BiasAt;

    /// <summary>(batch, headsQ); the batch stride may be 0.</summary>
    public ArrayView<float> AlibiSlopes;
    public long AlibiOffset;
    public long AlibiBatchStride;

    /// <summary>(headsQ) each.</summary>
    public ArrayView<float> HeadScales, Sinks;
    public long HeadScalesOffset, SinksOffset;
    public int HasHeadScales, HasSinks;
    public DocumentMask Documents;
    public BlockMask Blocks;

    public static bool IsPointwise => true;

    public static bool IsGeneral => true;

    public readonly float Log2Factor => SpecialMath.Log2E;

    public readonly F4 Score(F4 dots, in ScoreRow row, I4 keys)
    {
        F4 s = dots;
        s.Scale(Scale);
        if (HasHeadScales != 0) s.Scale(HeadScales[HeadScalesOffset + row.H]);
        if (Softcap > 0f) s = new F4(Cap(s.X), Cap(s.Y), Cap(s.Z), Cap(s.W));
        if (Bias.Kind != FloatView.None) AddBias(ref s, Bias.Load(BiasAt.Row(row), BiasAt.ColumnStride, keys));
        if (HasAlibi != 0) s.Fma(-AlibiSlopes[AlibiOffset + row.B * AlibiBatchStride + row.H], row.Distances(keys));
        if (HasMask != 0) HideMasked(ref s, MaskAt.Row(row), keys);
        if (Documents.IsPresent != 0) Documents.Hide(ref s, row, keys);
        if (Blocks.QueryBlock != 0) Blocks.Hide(ref s, row, keys);
        return s;
    }

    private readonly float Cap(float score) => Softcap * SpecialMath.Tanh(score * InverseSoftcap);

    /// <summary>A bias of minus infinity hides the key even where the score is NaN.</summary>
    private static void AddBias(ref F4 s, F4 bias)
    {
        const float hidden = float.NegativeInfinity;
        s.Add(bias);
        s.Hide(bias.X == hidden, bias.Y == hidden, bias.Z == hidden, bias.W == hidden);
    }

    private readonly void HideMasked(ref F4 s, long row, I4 keys)
    {
        long step = MaskAt.ColumnStride;
        s.Hide(Mask[row + keys.X * step] == 0, Mask[row + keys.Y * step] == 0, Mask[row + keys.Z * step] == 0,
            Mask[row + keys.W * step] == 0);
    }

    public readonly float Sink(int h) => HasSinks != 0 ? Sinks[SinksOffset + h] : float.NegativeInfinity;

    public readonly bool HidesTile(int b, int h, int heads, int i, int iLast, int j, int jLast)
    {
        if (Documents.IsPresent != 0 && Documents.HidesTile(b, i, iLast, j, jLast)) return true;
        return Blocks.QueryBlock != 0 && Blocks.HidesTile(b, h, heads, i, iLast, j, jLast);
    }
}
