using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>All terms of the contract, and between the last term and the masks a rule of the user's.</summary>
public struct UserScore<TRule> : IScoreRule
    where TRule : unmanaged, IScoreModifier
{
    public GeneralScore General;
    public TRule Rule;
    public ViewTables Tables;

    public static bool IsPointwise => true;

    public static bool IsGeneral => true;

    public readonly float Log2Factor => General.Log2Factor;

    public readonly F4 Score(F4 dots, in ScoreRow row, I4 keys)
    {
        F4 s = General.Score(dots, row, keys);
        return new F4(Change(s.X, row, keys.X), Change(s.Y, row, keys.Y), Change(s.Z, row, keys.Z), Change(s.W, row, keys.W));
    }

    private readonly float Change(float score, in ScoreRow row, int j)
    {
        // A key that a mask or a bias of minus infinity hides stays hidden.
        if (score == float.NegativeInfinity) return score;
        ScorePosition at = new() { Batch = row.B, Head = row.H, Query = row.I, Key = j, Aligned = row.Aligned };
        return Rule.Score(score, at, Tables);
    }

    public readonly float Sink(int h) => General.Sink(h);

    public readonly bool HidesTile(int b, int h, int heads, int i, int iLast, int j, int jLast) =>
        General.HidesTile(b, h, heads, i, iLast, j, jLast);
}

/// <summary>Tables in device memory.</summary>
public struct ViewTables : IScoreTables
{
    public ArrayView<float> Floats;
    public ArrayView<int> Ints;
    public long FloatsOffset, IntsOffset;
    public int FloatCount, IntCount;

    public readonly float Float(int index) => index >= 0 && index < FloatCount ? Floats[FloatsOffset + index] : float.NaN;

    public readonly int Int(int index) => index >= 0 && index < IntCount ? Ints[IntsOffset + index] : int.MinValue;
}
