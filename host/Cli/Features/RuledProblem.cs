namespace AttnKernels.Cli.Features;

/// <summary>Attention with a score modifier.</summary>
/// <param name="Attention">What it is beside the modifier.</param>
/// <param name="Rows">How many rows' weights are wanted after the run; 0: the run itself.</param>
internal sealed record RuledProblem(AttentionProblem Attention, int Rows = 0);

/// <summary>A score modifier with a value and a look-up.</summary>
/// <param name="factor">Of the table's elements.</param>
public readonly struct SampleModifier(float factor) : IScoreModifier
{
    /// <inheritdoc/>
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => score + (factor * tables.Float(at.Key));
}
