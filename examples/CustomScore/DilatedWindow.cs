using AttnKernels;

namespace CustomScore;

/// <summary>A mask of one's own: a query sees every <paramref name="step"/>-th key of the <paramref name="reach"/> before it.</summary>
/// <param name="reach">How far back.</param>
/// <param name="step">Distance between visible keys.</param>
public readonly struct DilatedWindow(int reach, int step) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables
    {
        int back = at.Aligned - at.Key;
        return back >= 0 && back < reach && back % step == 0 ? score : float.NegativeInfinity;
    }
}
