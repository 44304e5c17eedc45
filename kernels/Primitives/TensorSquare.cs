using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// 16 x 16 elements of S, P or O in a warp's registers: two accumulators, of S and P columns 0-7 and 8-15 and of O as the format says. Lane
/// 4 r + t holds rows r ("upper") and r + 8 ("lower"), columns 2t and 2t + 1 of every 8.
/// </summary>
public struct TensorSquare<TFormat>
    where TFormat : struct, ITensorFormat
{
    private F4 left, right;

    /// <summary>this += A B.</summary>
    public void Multiply(in TensorOperand a, in TensorOperand b) => TFormat.Multiply(ref left, ref right, a, b);

    /// <summary>P's first columns as an A operand.</summary>
    public readonly TensorOperand Weights() => TFormat.Weights(left, right);

    /// <summary>The first 8 columns.</summary>
    public readonly F4 First => left;

    /// <summary>The next 8 columns become the first, and <paramref name="last"/> the last.</summary>
    public void MoveLeft(F4 last)
    {
        left = right;
        right = last;
    }

    public void Scale(RowPair factor)
    {
        Scale(ref left, factor);
        Scale(ref right, factor);
    }

    /// <summary>
    /// S = score(S), or minus infinity where row i of a tile does not see key j; i and j are those of the lane's first element.
    /// </summary>
    public void ApplyScore<TScore>(in TScore score, in FlashPosition at, int i, int j)
        where TScore : struct, IScoreRule
    {
        I4 keys = new(j, j + 1, j + 8, j + 9);
        F4 upper = ScoreRow.OfTile(at, i).Scores(score, new F4(left.X, left.Y, right.X, right.Y), keys);
        F4 lower = ScoreRow.OfTile(at, i + 8).Scores(score, new F4(left.Z, left.W, right.Z, right.W), keys);
        left = new F4(upper.X, upper.Y, lower.X, lower.Y);
        right = new F4(upper.Z, upper.W, lower.Z, lower.W);
    }

    public readonly void Max(ref RowPair max)
    {
        max.Upper = SpecialMath.Max(max.Upper, SpecialMath.Max(SpecialMath.Max(left.X, left.Y), SpecialMath.Max(right.X, right.Y)));
        max.Lower = SpecialMath.Max(max.Lower, SpecialMath.Max(SpecialMath.Max(left.Z, left.W), SpecialMath.Max(right.Z, right.W)));
    }

    /// <summary>P = exp2(factor S - m) in place; its sums are added to l.</summary>
    public void Exponentiate(RowPair m, float factor, ref RowPair l)
    {
        Exponentiate(ref left, m, factor);
        Exponentiate(ref right, m, factor);
        l.Upper += (left.X + left.Y) + (right.X + right.Y);
        l.Lower += (left.Z + left.W) + (right.Z + right.W);
    }

    /// <summary>
    /// Stores O to the rows of shared memory that begin at upper and lower, as <see cref="ITensorFormat.StoreRow"/> says.
    /// </summary>
    public readonly void Store(ArrayView<uint> sWords, int upper, int lower, int word, int swizzle)
    {
        TFormat.StoreRow(sWords, upper, word, swizzle, new F4(left.X, left.Y, right.X, right.Y));
        TFormat.StoreRow(sWords, lower, word, swizzle, new F4(left.Z, left.W, right.Z, right.W));
    }

    /// <summary>
    /// Stores the floats of O. <paramref name="column"/> is a constant, so that every address is one plus a constant: sums of 64 bits for
    /// each would take the registers that O needs.
    /// </summary>
    public readonly void Store(LanePart upper, LanePart lower, int column)
    {
        TFormat.StoreFloats(upper, column, new F4(left.X, left.Y, right.X, right.Y));
        TFormat.StoreFloats(lower, column, new F4(left.Z, left.W, right.Z, right.W));
    }

    /// <summary>P of key 0 .. 15 in the lane's rows, which one of its row's four lanes holds. All lanes of the warp together.</summary>
    public readonly RowPair Weight(int key)
    {
        F4 c = key < 8 ? left : right;
        int owner = (Group.IdxX & 28) + (key & 7) / 2;
        return new RowPair(Warp.Shuffle((key & 1) == 0 ? c.X : c.Y, owner), Warp.Shuffle((key & 1) == 0 ? c.Z : c.W, owner));
    }

    /// <summary>O += p V over one key, where a weight of 0 hides the value: left X and Y, right X and Y.</summary>
    public void AddWeighted(RowPair p, F4 values)
    {
        AddWeighted(ref left, p, values.X, values.Y);
        AddWeighted(ref right, p, values.Z, values.W);
    }

    private static void Scale(ref F4 c, RowPair factor)
    {
        c.X *= factor.Upper;
        c.Y *= factor.Upper;
        c.Z *= factor.Lower;
        c.W *= factor.Lower;
    }

    private static void Exponentiate(ref F4 c, RowPair m, float factor)
    {
        c.X = SpecialMath.Exp2(c.X * factor - m.Upper);
        c.Y = SpecialMath.Exp2(c.Y * factor - m.Upper);
        c.Z = SpecialMath.Exp2(c.Z * factor - m.Lower);
        c.W = SpecialMath.Exp2(c.W * factor - m.Lower);
    }

    private static void AddWeighted(ref F4 c, RowPair p, float low, float high)
    {
        if (p.Upper != 0f)
        {
            c.X += p.Upper * low;
            c.Y += p.Upper * high;
        }
        if (p.Lower != 0f)
        {
            c.Z += p.Lower * low;
            c.W += p.Lower * high;
        }
    }
}
