using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>16 columns of a warp's 16 rows: two accumulators, which one load of matrices feeds.</summary>
public struct TensorColumn<TElement> : ITensorColumns<TElement>
    where TElement : struct, ITensorElement
{
    private F4 left, right;

    public static int Columns => 16;

    public void Clear() => left = right = default;

    public void Scale(float upper, float lower)
    {
        Scale(ref left, upper, lower);
        Scale(ref right, upper, lower);
    }

    public void AddDots(U4 q, ArrayView<U4> sK, int offset, int row, int chunk, int chunks)
    {
        // Matrices: keys 0-7 in elements 0-7 and 8-15, then keys 8-15. K's rows are B's columns.
        int lane = Group.IdxX & 31;
        int key = (lane & 7) + 8 * (lane >> 4);
        ArrayView<U4> sKeys = sK.From(offset + SwizzledTile.Index(key, chunk + ((lane >> 3) & 1), chunks));
        U4 k = TensorCore.LoadMatrices(sKeys, row * chunks);
        left = TElement.Multiply(left, q, k.X, k.Y);
        right = TElement.Multiply(right, q, k.Z, k.W);
    }

    public void AddValues(U4 p, ArrayView<U4> sV, int offset, int row, int chunk, int chunks)
    {
        // Matrices: keys 0-7 and 8-15 of columns 0-7, then of columns 8-15; V's rows are B's rows, so they are transposed.
        int lane = Group.IdxX & 31;
        ArrayView<U4> sValues = sV.From(offset + SwizzledTile.Index(lane & 15, chunk + (lane >> 4), chunks));
        U4 v = TensorCore.LoadTransposed(sValues, row * chunks);
        left = TElement.Multiply(left, p, v.X, v.Y);
        right = TElement.Multiply(right, p, v.Z, v.W);
    }

    /// <summary>A product's accumulators hold the same elements as the next product's A operand: P needs no shared memory.</summary>
    public void AddTo<TOutput>(ref TOutput output, ArrayView<U4> sV, int offset, int row, int chunks)
        where TOutput : struct, ITensorColumns<TElement>
    {
        U4 p = new(
            TElement.Pack(left.X, left.Y), TElement.Pack(left.Z, left.W), TElement.Pack(right.X, right.Y), TElement.Pack(right.Z, right.W));
        output.AddValues(p, sV, offset, row, 0, chunks);
    }

    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        int first = at.Band.First(i, at.Shift);
        int end = i < at.SeqQ ? at.Band.End(i, at.Shift, at.KeyLength) : 0;
        left.X = Score(score, at, left.X, i, j, first, end);
        left.Y = Score(score, at, left.Y, i, j + 1, first, end);
        right.X = Score(score, at, right.X, i, j + 8, first, end);
        right.Y = Score(score, at, right.Y, i, j + 9, first, end);
        int below = i + 8;
        first = at.Band.First(below, at.Shift);
        end = below < at.SeqQ ? at.Band.End(below, at.Shift, at.KeyLength) : 0;
        left.Z = Score(score, at, left.Z, below, j, first, end);
        left.W = Score(score, at, left.W, below, j + 1, first, end);
        right.Z = Score(score, at, right.Z, below, j + 8, first, end);
        right.W = Score(score, at, right.W, below, j + 9, first, end);
    }

    public void Max(ref float upper, ref float lower)
    {
        upper = SpecialMath.Max(upper, SpecialMath.Max(SpecialMath.Max(left.X, left.Y), SpecialMath.Max(right.X, right.Y)));
        lower = SpecialMath.Max(lower, SpecialMath.Max(SpecialMath.Max(left.Z, left.W), SpecialMath.Max(right.Z, right.W)));
    }

    public void Exponentiate(float mUpper, float mLower, float log2Factor, ref float lUpper, ref float lLower)
    {
        Exponentiate(ref left, mUpper, mLower, log2Factor);
        Exponentiate(ref right, mUpper, mLower, log2Factor);
        lUpper += (left.X + left.Y) + (right.X + right.Y);
        lLower += (left.Z + left.W) + (right.Z + right.W);
    }

    public void StoreWeights(ArrayView<uint> sP, int upper, int lower, int column, int swizzle)
    {
        sP[upper + (column ^ swizzle)] = TElement.Pack(left.X, left.Y);
        sP[upper + ((column + 4) ^ swizzle)] = TElement.Pack(right.X, right.Y);
        sP[lower + (column ^ swizzle)] = TElement.Pack(left.Z, left.W);
        sP[lower + ((column + 4) ^ swizzle)] = TElement.Pack(right.Z, right.W);
    }

    public void AddWeighted(float upper, float lower, ArrayView<uint> sV, int offset, int row, int chunk, int chunks)
    {
        int t = Group.IdxX & 3;
        AddWeighted(ref left, upper, lower, sV[4 * (offset + SwizzledTile.Index(row, chunk, chunks)) + t]);
        AddWeighted(ref right, upper, lower, sV[4 * (offset + SwizzledTile.Index(row, chunk + 1, chunks)) + t]);
    }

    public void Write(in HeadView<ushort> o, long row, int column, int columns, bool isLower)
    {
        Write(o, row, column, columns, isLower ? TElement.Pack(left.Z, left.W) : TElement.Pack(left.X, left.Y));
        Write(o, row, column + 8, columns, isLower ? TElement.Pack(right.Z, right.W) : TElement.Pack(right.X, right.Y));
    }

    private static void Scale(ref F4 c, float upper, float lower)
    {
        c.X *= upper;
        c.Y *= upper;
        c.Z *= lower;
        c.W *= lower;
    }

    private static float Score<TScore>(in TScore score, in FlashPosition at, float dot, int i, int j, int first, int end)
        where TScore : struct, IScoreRule
    {
        if (j < first || j >= end) return float.NegativeInfinity;
        return score.Score(dot, at.B, at.H, i, j, i + at.Shift);
    }

    private static void Exponentiate(ref F4 c, float mUpper, float mLower, float log2Factor)
    {
        c.X = SpecialMath.Exp2((c.X - mUpper) * log2Factor);
        c.Y = SpecialMath.Exp2((c.Y - mUpper) * log2Factor);
        c.Z = SpecialMath.Exp2((c.Z - mLower) * log2Factor);
        c.W = SpecialMath.Exp2((c.W - mLower) * log2Factor);
    }

    private static void AddWeighted(ref F4 c, float upper, float lower, uint values)
    {
        float low = TElement.Load((ushort)values);
        float high = TElement.Load((ushort)(values >> 16));
        if (upper != 0f)
        {
            c.X += upper * low;
            c.Y += upper * high;
        }
        if (lower != 0f)
        {
            c.Z += lower * low;
            c.W += lower * high;
        }
    }

    private static void Write(in HeadView<ushort> o, long row, int column, int columns, uint pair)
    {
        if (column >= columns) return;
        long at = row + column;
        if (o.IsVector != 0 && column + 2 <= columns)
        {
            o.Data.Cast<uint>()[at >> 1] = pair;
            return;
        }
        o.Data[at] = (ushort)pair;
        if (column + 1 < columns) o.Data[at + 1] = (ushort)(pair >> 16);
    }
}
