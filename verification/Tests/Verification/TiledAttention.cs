using AttnKernels.Verification;

namespace AttnKernels.Tests.Verification;

/// <summary>The mistakes that attention kernels are known to make.</summary>
public enum Breakage
{
    None,
    LastKeyDropped,
    KeysPastTileDropped,
    CausalOffByOne,
    WindowOffByOne,
    KeyLengthOffByOne,
    NoRescaleOfO,
    NoRescaleOfL,
    NoMaximum,
    BiasBeforeSoftcap,
    SoftcapIgnored,
    ScaleBeforeSquareRoot,
    HalfPrecisionWeights,
    TruncatedQuery,
    WrongHeadGroup,
    MaskedRowUniform,
    FiniteMask,
    MaskedKeyCounted,
    AlibiSigned,
    AlibiTopLeft,
    LseBase2,
    OutputNotNormalised,
    StaleMaximum,
}

/// <summary>
/// The online softmax of a kernel, tile by tile in fp32, small enough to be seen to be right, with a switch for each known mistake: what
/// the bounds are tried on.
/// </summary>
internal static class TiledAttention
{
    private const int Tile = 16;

    public static (float[] O, float[] Lse) Run(HostTensor q, HostTensor k, HostTensor v, ScoreRule rule, Breakage broken = Breakage.None)
    {
        int batch = q.Shape[0], heads = q.Shape[1], queries = q.Shape[2], keys = k.Shape[2], dimV = v.Shape[3];
        int group = heads / k.Shape[1];
        ScoreRule seen = Rule(rule, broken, keys);
        float[] o = new float[batch * heads * queries * dimV], lse = new float[batch * heads * queries];
        for (int n = 0; n < lse.Length; n++)
        {
            (int b, int h, int i) = (n / queries / heads, n / queries % heads, n % queries);
            int headKv = broken == Breakage.WrongHeadGroup ? h % k.Shape[1] : h / group;
            float m = float.NegativeInfinity, l = 0;
            float[] sum = new float[dimV], p = new float[Tile];
            int end = broken switch
            {
                Breakage.LastKeyDropped => keys - 1,
                Breakage.KeysPastTileDropped => keys / Tile * Tile,
                _ => keys,
            };
            for (int start = 0; start < end; start += Tile)
            {
                int count = Math.Min(Tile, end - start);
                float mNew = m;
                for (int j = 0; j < count; j++)
                {
                    p[j] = seen.Sees(b, h, i, start + j, queries, keys)
                        ? Score(q.Row(b, h, i), k.Row(b, headKv, start + j), rule, broken, b, h, i, start + j, queries, keys)
                        : broken == Breakage.FiniteMask ? -1e4f : float.NegativeInfinity;
                    mNew = MathF.Max(mNew, p[j]);
                }
                if (broken == Breakage.NoMaximum) mNew = 0;
                if (broken == Breakage.StaleMaximum && start > 0) mNew = m;
                if (mNew == float.NegativeInfinity) continue;
                float alpha = MathF.Exp(m - mNew);
                if (broken != Breakage.NoRescaleOfL) l *= alpha;
                if (broken != Breakage.NoRescaleOfO)
                    for (int d = 0; d < dimV; d++)
                        sum[d] *= alpha;
                m = mNew;
                for (int j = 0; j < count; j++)
                {
                    bool hidden = !seen.Sees(b, h, i, start + j, queries, keys);
                    float weight = MathF.Exp(p[j] - m);
                    l += hidden && broken == Breakage.MaskedKeyCounted ? MathF.Exp(-m) : weight;
                    if (hidden && broken != Breakage.FiniteMask) continue;
                    if (broken == Breakage.HalfPrecisionWeights) weight = (float)(Half)weight;
                    for (int d = 0; d < dimV; d++)
                        sum[d] += weight * v.Row(b, headKv, start + j)[d];
                }
            }
            lse[n] = broken == Breakage.LseBase2 ? (m + MathF.Log(l)) * 1.442695f : l == 0 ? float.NegativeInfinity : m + MathF.Log(l);
            for (int d = 0; d < dimV; d++)
                o[(n * dimV) + d] = l == 0 ? Empty(v, b, headKv, d, broken) : sum[d] / (broken == Breakage.OutputNotNormalised ? 1 : l);
        }
        for (int n = 0; n < o.Length; n++)
            o[n] = HostTensor.Round(q.Type, o[n]);
        return (o, lse);
    }

    private static ScoreRule Rule(ScoreRule rule, Breakage broken, int keys) => broken switch
    {
        Breakage.CausalOffByOne => rule with { Offset = rule.Offset + 1 },
        Breakage.WindowOffByOne => rule with { WindowLeft = rule.WindowLeft - 1 },
        Breakage.KeyLengthOffByOne => rule with
        {
            KeyLengths = new HostTensor(DType.Int32, [.. rule.KeyLengths!.Values.Select(length => Math.Min(length + 1, keys))],
                rule.KeyLengths.Shape),
        },
        _ => rule,
    };

    private static float Score(
        ReadOnlySpan<float> q, ReadOnlySpan<float> k, ScoreRule rule, Breakage broken, int b, int h, int i, int j, int queries, int keys)
    {
        float dot = 0;
        for (int d = 0; d < q.Length; d++)
            dot += (broken == Breakage.TruncatedQuery ? Truncate(q[d]) : q[d]) * k[d];
        float scale = (float)rule.Scale, softcap = (float)rule.Softcap, bias = rule.Bias?.Broadcast(b, h, i, j) ?? 0;
        float s = (broken == Breakage.ScaleBeforeSquareRoot ? scale * scale : scale) * dot;
        if (broken == Breakage.BiasBeforeSoftcap) s += bias;
        if (softcap > 0 && broken != Breakage.SoftcapIgnored) s = softcap * MathF.Tanh(s / softcap);
        if (broken != Breakage.BiasBeforeSoftcap) s += bias;
        int aligned = broken == Breakage.AlibiTopLeft ? i : rule.AlignedKey(b, i, queries, keys);
        int distance = broken == Breakage.AlibiSigned ? aligned - j : Math.Abs(aligned - j);
        return s - ((float)rule.Slope(b, h) * distance);
    }

    private static float Empty(HostTensor v, int b, int headKv, int d, Breakage broken)
    {
        if (broken != Breakage.MaskedRowUniform) return 0;
        float sum = 0;
        for (int j = 0; j < v.Shape[2]; j++)
            sum += v.Row(b, headKv, j)[d];
        return sum / v.Shape[2];
    }

    /// <summary>The 10 fraction bits that TF32 keeps.</summary>
    private static float Truncate(float value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value) & ~0x1FFFu);
}
