using AttnKernels;

namespace CustomScore;

/// <summary>A learned bias per head and distance, as in T5: element [head, distance] of the run's RuleFloats.</summary>
/// <param name="distances">Columns of the table; keys further away have the last one's bias.</param>
public readonly struct RelativeBias(int distances) : IScoreModifier
{
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables
    {
        int distance = Math.Min(Math.Abs(at.Aligned - at.Key), distances - 1);
        return score + tables.Float((at.Head * distances) + distance);
    }
}
