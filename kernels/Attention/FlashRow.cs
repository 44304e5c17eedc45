using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// One query row as a lane holds it: its scores S (one per key it owns), its part of O, the running maximum m and its part of the sum l.
/// </summary>
/// <remarks>Fields beyond the tile's Keys and Columns are never touched, and the compiler drops them.</remarks>
public struct FlashRow<TTile> : IFlashRows
    where TTile : struct, IFlashTile
{
    private const int LanesX = FlashTile<TTile>.LanesX;

    private F4 s;
    private FlashValues o;

    /// <summary>Running maximum of the scores; the same in all lanes of the row.</summary>
    private float m;

    /// <summary>This lane's part of the running sum of exp(s - m).</summary>
    private float l;

    public static int Count => 1;

    public void Clear()
    {
        o = default;
        m = float.NegativeInfinity;
        l = 0f;
    }

    public void ClearScores() => s = default;

    public void AddDots(ArrayView<F4> sQ, F4 k0, F4 k1, F4 k2, F4 k3)
    {
        F4 q = sQ[0];
        s.X = q.Dot(k0, s.X);
        if (TTile.Keys > 1) s.Y = q.Dot(k1, s.Y);
        if (TTile.Keys > 2) s.Z = q.Dot(k2, s.Z);
        if (TTile.Keys > 2) s.W = q.Dot(k3, s.W);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule =>
        s = ScoreRow.Of(at, i).Scores(score, s, new I4(j, j + LanesX, j + 2 * LanesX, j + 3 * LanesX));

    public void StoreMaxima(ArrayView<float> sRow)
    {
        float max = s.X;
        if (TTile.Keys > 1) max = SpecialMath.Max(max, s.Y);
        if (TTile.Keys > 2) max = SpecialMath.Max(max, SpecialMath.Max(s.Z, s.W));
        sRow[0] = max;
    }

    /// <summary>m = max(m, rowmax S), alpha = exp(mOld - m), P = exp(S - m), l = alpha l + rowsum P, O = alpha O.</summary>
    public void Exponentiate(float log2Factor, ArrayView<F4> sRow, ArrayView<float> sP)
    {
        float mOld = m;
        m = SpecialMath.Max(mOld, RowReduce.Max(sRow));
        float finite = SpecialMath.FiniteMax(m);
        float alpha = SpecialMath.Exp2((mOld - finite) * log2Factor);

        float p0 = SpecialMath.Exp2((s.X - finite) * log2Factor);
        l = l * alpha + p0;
        sP[0] = p0;
        if (TTile.Keys > 1)
        {
            float p1 = SpecialMath.Exp2((s.Y - finite) * log2Factor);
            l += p1;
            sP[LanesX] = p1;
        }
        if (TTile.Keys > 2)
        {
            float p2 = SpecialMath.Exp2((s.Z - finite) * log2Factor);
            float p3 = SpecialMath.Exp2((s.W - finite) * log2Factor);
            l += p2 + p3;
            sP[2 * LanesX] = p2;
            sP[3 * LanesX] = p3;
        }
        o.Scale<TTile>(alpha);
    }

    public void AddWeighted<TMultiply>(
        ArrayView<F4> sP, in FlashValues v0, in FlashValues v1, in FlashValues v2, in FlashValues v3)
        where TMultiply : struct, IMultiply
    {
        F4 p = sP[0];
        o.Add<TTile, TMultiply>(p.X, v0);
        o.Add<TTile, TMultiply>(p.Y, v1);
        o.Add<TTile, TMultiply>(p.Z, v2);
        o.Add<TTile, TMultiply>(p.W, v3);
    }

    public void StoreSums(ArrayView<float> sRow) => sRow[0] = l;

    /// <summary>
    /// l += exp(sink - m), O = O / l, LSE = m + ln(l); a row that saw no key gives O = 0 and LSE = sink, or -inf where there is none.
    /// </summary>
    public void Write<T, TElement, TScore>(in FlashOutput<T> output, ArrayView<F4> sRow, int i)
        where T : unmanaged
        where TElement : struct, IElement<T>
        where TScore : struct, IScoreRule
    {
        if (i >= output.SeqQ) return;
        float sum = RowReduce.Sum(sRow);
        if (TScore.IsGeneral) sum = AddSink(sum, output.Sink, output.Log2Factor);
        bool isEmpty = sum == 0f;
        o.Scale<TTile>(isEmpty ? 0f : 1f / sum);

        long row = output.Head + i * output.O.RowStride;
        Write<T, TElement>(output, row, 0, o.C0);
        if (TTile.Columns > 1) Write<T, TElement>(output, row, 1, o.C1);
        if (TTile.Columns > 2) Write<T, TElement>(output, row, 2, o.C2);
        if (TTile.Columns > 2) Write<T, TElement>(output, row, 3, o.C3);

        if (output.HasLse != 0 && output.Lane == 0)
        {
            float lse = (m * output.Log2Factor + SpecialMath.Log2(sum)) * SpecialMath.Ln2;
            output.Lse[output.LseHead + i] = isEmpty ? float.NegativeInfinity : lse;
        }
    }

    /// <summary>The sink raises m, and O with it, like one more key without a value; returns the new sum.</summary>
    private float AddSink(float sum, float sink, float log2Factor)
    {
        OnlineSoftmax state = new() { M = m, L = sum };
        state.Merge(sink, 1f, log2Factor);
        o.Scale<TTile>(SpecialMath.Exp2((m - SpecialMath.FiniteMax(state.M)) * log2Factor));
        m = state.M;
        return state.L;
    }

    private static void Write<T, TElement>(in FlashOutput<T> output, long row, int group, F4 value)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        int column = 4 * (output.Lane + group * LanesX);
        if (column >= output.HeadDim) return;
        RowCopy.Store4<T, TElement>(output.O, row, column, output.HeadDim, value);
    }
}

/// <summary>Up to four groups of four neighbouring elements of a row of V or O: those of a lane's columns, 4 * LanesX apart.</summary>
public struct FlashValues
{
    public F4 C0, C1, C2, C3;

    /// <summary>Reads the lane's columns of a row of sV.</summary>
    public static FlashValues Load<TTile>(ArrayView<F4> sV, int offset)
        where TTile : struct, IFlashTile
    {
        const int step = FlashTile<TTile>.LanesX;
        FlashValues v = default;
        v.C0 = sV[offset];
        if (TTile.Columns > 1) v.C1 = sV[offset + step];
        if (TTile.Columns > 2) v.C2 = sV[offset + 2 * step];
        if (TTile.Columns > 2) v.C3 = sV[offset + 3 * step];
        return v;
    }

    /// <summary>this += p * v.</summary>
    public void Add<TTile, TMultiply>(float p, in FlashValues v)
        where TTile : struct, IFlashTile
        where TMultiply : struct, IMultiply
    {
        if (TMultiply.ZeroHides && p == 0f) return;
        C0.Fma(p, v.C0);
        if (TTile.Columns > 1) C1.Fma(p, v.C1);
        if (TTile.Columns > 2) C2.Fma(p, v.C2);
        if (TTile.Columns > 2) C3.Fma(p, v.C3);
    }

    public void Scale<TTile>(float a)
        where TTile : struct, IFlashTile
    {
        C0.Scale(a);
        if (TTile.Columns > 1) C1.Scale(a);
        if (TTile.Columns > 2) C2.Scale(a);
        if (TTile.Columns > 2) C3.Scale(a);
    }
}

/// <summary>Where a lane writes its rows.</summary>
public struct FlashOutput<T>
    where T : unmanaged
{
    public HeadView<T> O;
    public ArrayView<float> Lse;
    public long Head, LseHead;
    public int HasLse, SeqQ, HeadDim;

    /// <summary>The lane's place in its row, 0 .. LanesX-1.</summary>
    public int Lane;
    public float Log2Factor;

    /// <summary>See <see cref="IScoreRule.Sink"/>; read where the rule is general.</summary>
    public float Sink;
}
