using ILGPU;
using ILGPU.Algorithms;

namespace AttnKernels.Kernels;

/// <summary>
/// Turns the dot product of query i and key j into their score; minus infinity hides the pair. The band (causal, window, key lengths) is
/// applied by the kernel, not here. The kernel raises 2 to (score - max) * <see cref="Log2Factor"/>: subtracting first keeps the exponent
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

    /// <summary><paramref name="aligned"/> is the key on query i's diagonal.</summary>
    float Score(float dot, int b, int h, int i, int j, int aligned);

    /// <summary>A score without a key that takes part in the sum of head <paramref name="h"/>'s rows; minus infinity: none.</summary>
    float Sink(int h);

    /// <summary>Whether no query of i .. iLast sees a key of j .. jLast; false where that is not known. The same in all lanes.</summary>
    bool HidesTile(int b, int h, int i, int iLast, int j, int jLast);
}

/// <summary>s = scale * dot with a positive scale, which waits in the factor: the largest dot product is the largest score.</summary>
public struct PlainScore : IScoreRule
{
    /// <summary>scale * log2(e).</summary>
    public float ScaleLog2;

    public static bool IsPointwise => false;

    public static bool IsGeneral => false;

    public readonly float Log2Factor => ScaleLog2;

    public readonly float Score(float dot, int b, int h, int i, int j, int aligned) => dot;

    public readonly float Sink(int h) => float.NegativeInfinity;

    public readonly bool HidesTile(int b, int h, int i, int iLast, int j, int jLast) => false;
}

/// <summary>Every term of the contract, each present where its flag is 1: scales of heads, softcap, additive bias, ALiBi, masks, sinks.</summary>
public struct GeneralScore : IScoreRule
{
    public float Scale;

    /// <summary>0 = none.</summary>
    public float Softcap;
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

    public readonly float Score(float dot, int b, int h, int i, int j, int aligned)
    {
        float score = dot * Scale;
        if (HasHeadScales != 0) score *= HeadScales[HeadScalesOffset + h];
        if (Softcap > 0f) score = Softcap * SpecialMath.Tanh(score / Softcap);
        if (Bias.Kind != FloatView.None) score += Bias.Load(BiasAt.Index(b, h, i, j));
        if (HasAlibi != 0) score -= AlibiSlopes[AlibiOffset + b * AlibiBatchStride + h] * XMath.Abs((float)(j - aligned));
        if (HasMask != 0 && Mask[MaskAt.Index(b, h, i, j)] == 0) score = float.NegativeInfinity;
        if (Documents.IsPresent != 0 && Documents.Hides(b, i, j)) score = float.NegativeInfinity;
        if (Blocks.QueryBlock != 0 && Blocks.Hides(b, h, i, j)) score = float.NegativeInfinity;
        return score;
    }

    public readonly float Sink(int h) => HasSinks != 0 ? Sinks[SinksOffset + h] : float.NegativeInfinity;

    public readonly bool HidesTile(int b, int h, int i, int iLast, int j, int jLast)
    {
        if (Documents.IsPresent != 0 && Documents.HidesTile(b, i, iLast, j, jLast)) return true;
        return Blocks.QueryBlock != 0 && Blocks.HidesTile(b, h, i, iLast, j, jLast);
    }
}
