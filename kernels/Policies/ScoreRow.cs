using ILGPU.Algorithms;

namespace AttnKernels.Kernels;

/// <summary>A query, and the keys [First, End) of its band.</summary>
public struct ScoreRow
{
    public int B, H, I;

    /// <summary>The key on the query's diagonal.</summary>
    public int Aligned;
    public int First, End;

    /// <summary>Query i of a tile; past the last one it sees no key.</summary>
    public static ScoreRow Of(in FlashPosition at, int i)
    {
        ScoreRow row = default;
        row.B = at.B;
        row.H = at.H;
        row.I = i;
        row.Aligned = i + at.Shift;
        row.First = at.Band.First(i, at.Shift);
        row.End = i < at.SeqQ ? at.Band.End(i, at.Shift, at.KeyLength) : 0;
        return row;
    }

    /// <summary>Row <paramref name="row"/> of a tile with rows of several heads.</summary>
    public static ScoreRow OfTile(in FlashPosition at, int row)
    {
        int query = at.Heads.Query(row);
        ScoreRow found = Of(at, query);
        found.H += row - query * at.Heads.Count;
        return found;
    }

    /// <summary>The scores of four keys; minus infinity where the query does not see them.</summary>
    public readonly F4 Scores<TScore>(in TScore score, F4 dots, I4 keys)
        where TScore : struct, IScoreRule
    {
        F4 s = default;
        if (!TScore.IsPointwise || First < End) s = score.Score(dots, this, new I4(Near(keys.X), Near(keys.Y), Near(keys.Z), Near(keys.W)));
        s.Hide(!Sees(keys.X), !Sees(keys.Y), !Sees(keys.Z), !Sees(keys.W));
        return s;
    }

    /// <summary>The score of one key; minus infinity where the query does not see it.</summary>
    public readonly float Score<TScore>(in TScore score, float dot, int key)
        where TScore : struct, IScoreRule =>
        Scores(score, new F4(dot, dot, dot, dot), new I4(key, key, key, key)).X;

    public readonly bool Sees(int key) => key >= First && key < End;

    /// <summary>How far each key is from the diagonal.</summary>
    public readonly F4 Distances(I4 keys) => new(Distance(keys.X), Distance(keys.Y), Distance(keys.Z), Distance(keys.W));

    /// <summary>The key of the band that is nearest: a key beyond it may lie outside every tensor.</summary>
    private readonly int Near(int key) => Math.Max(First, Math.Min(key, End - 1));

    private readonly float Distance(int key) => XMath.Abs((float)(key - Aligned));
}
