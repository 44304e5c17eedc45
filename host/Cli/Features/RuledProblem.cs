namespace AttnKernels.Cli.Features;

/// <summary>Attention with a score modifier.</summary>
/// <param name="Attention">What it is beside the modifier.</param>
internal sealed record RuledProblem(AttentionProblem Attention);

/// <summary>A score modifier with a value and a look-up.</summary>
/// <param name="factor">Of the table's elements.</param>
public readonly struct SampleModifier(float factor) : IScoreModifier
{
    /// <inheritdoc/>
    public float Score<TTables>(float score, in ScorePosition at, TTables tables)
        where TTables : struct, IScoreTables => score + (factor * tables.Float(at.Key));
}
