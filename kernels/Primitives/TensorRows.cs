using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>A number for each of a lane's two rows of 16: rows r and r + 8 of lane 4 r + t.</summary>
public struct RowPair
{
    public float Upper, Lower;

    public RowPair(float upper, float lower)
    {
        Upper = upper;
        Lower = lower;
    }
}

/// <summary>
/// Where a lane stores its part of a row of floats: from its first pair on, of as many of the row's columns; 0: there is no row.
/// </summary>
public struct LanePart
{
    public ArrayView<F2> Data;
    public int Columns;
}

/// <summary>A number for each of a lane's rows: of the warp's first 16, and of the 16 below where it has them.</summary>
public struct LaneRows
{
    public RowPair Top, Bottom;

    public static LaneRows Of(float value) => new() { Top = new RowPair(value, value), Bottom = new RowPair(value, value) };
}

/// <summary>
/// Maximum m and sum l of the rows of S seen so far, m as the base-2 exponent factor * max. l is the lane's own part of the sum.
/// </summary>
/// <remarks>
/// m follows the maximum only once that is 2^8 times as large: weights stay below 2^8, sums far within fp32, and after the first tiles O
/// is hardly ever scaled (FlashAttention-4 does the same). Each row decides for itself, so its bits depend on no other row.
/// </remarks>
public struct TensorSoftmax<TTile>
    where TTile : struct, ITensorTile
{
    /// <summary>How far m may stay behind, as an exponent.</summary>
    private const float Lag = 8f;

    public LaneRows M, L;

    /// <summary>
    /// No key: m is the lowest number, which any score raises and no hidden one does, so that no exponent is -inf - -inf.
    /// </summary>
    public static TensorSoftmax<TTile> Empty => new() { M = LaneRows.Of(float.MinValue), L = LaneRows.Of(0f) };

    /// <summary>
    /// m' = max(m, rowmax S), alpha = exp2(m - m'), P = exp2(S - m') in place of S, l = alpha l + rowsum P, O = alpha O. S becomes an
    /// exponent by <paramref name="factor"/>.
    /// </summary>
    public void Add<TFormat, TScores, TOutput>(ref TScores s, float factor, ref TOutput o)
        where TFormat : struct, ITensorFormat
        where TScores : struct, ITensorColumns<TFormat>
        where TOutput : struct, ITensorColumns<TFormat>
    {
        LaneRows max = LaneRows.Of(float.NegativeInfinity);
        s.Max(ref max);
        LaneRows m = M;
        m.Top = Raised(M.Top, QuadMax(max.Top), factor);
        if (TTile.RowBlocks > 1) m.Bottom = Raised(M.Bottom, QuadMax(max.Bottom), factor);
        bool isRaised = m.Top.Upper != M.Top.Upper || m.Top.Lower != M.Top.Lower;
        if (TTile.RowBlocks > 1) isRaised = isRaised || m.Bottom.Upper != M.Bottom.Upper || m.Bottom.Lower != M.Bottom.Lower;
        if (isRaised)
        {
            LaneRows alpha = default;
            Rescale(ref L.Top, M.Top, m.Top, ref alpha.Top);
            if (TTile.RowBlocks > 1) Rescale(ref L.Bottom, M.Bottom, m.Bottom, ref alpha.Bottom);
            o.Scale(alpha);
            M = m;
        }
        s.Exponentiate(M, factor, ref L);
    }

    /// <summary>The sum of a row's values, which its four lanes hold.</summary>
    public static float QuadSum(float value)
    {
        value += Warp.ShuffleXor(value, 1);
        return value + Warp.ShuffleXor(value, 2);
    }

    private static RowPair Raised(RowPair m, RowPair max, float factor) =>
        new(Raised(m.Upper, max.Upper * factor), Raised(m.Lower, max.Lower * factor));

    private static float Raised(float m, float max) => max > m + Lag ? max : m;

    private static void Rescale(ref RowPair l, RowPair before, RowPair after, ref RowPair alpha)
    {
        alpha.Upper = SpecialMath.Exp2(before.Upper - after.Upper);
        alpha.Lower = SpecialMath.Exp2(before.Lower - after.Lower);
        l.Upper *= alpha.Upper;
        l.Lower *= alpha.Lower;
    }

    /// <summary>The largest of a row's values, which its four lanes hold.</summary>
    private static RowPair QuadMax(RowPair rows) => new(QuadMax(rows.Upper), QuadMax(rows.Lower));

    private static float QuadMax(float value)
    {
        value = SpecialMath.Max(value, Warp.ShuffleXor(value, 1));
        return SpecialMath.Max(value, Warp.ShuffleXor(value, 2));
    }
}
