using System.Globalization;

namespace AttnKernels.Verification;

/// <summary>One decision of a random problem: a number, or one of several named values.</summary>
/// <param name="Name">Unique in its problem.</param>
/// <param name="Value">The number, or the index of the label.</param>
/// <param name="Simplest">The value that a shrunk problem has unless another is needed for it to fail.</param>
/// <param name="Labels">Names of the values; empty for numbers.</param>
public sealed record FuzzChoice(string Name, int Value, int Simplest, IReadOnlyList<string> Labels)
{
    /// <summary>The value as it stands in the problem's text.</summary>
    public string Text => TextOf(Value);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}={Text}";

    /// <summary>How <paramref name="value"/> would be written.</summary>
    internal string TextOf(int value) => Labels.Count == 0 ? value.ToString(CultureInfo.InvariantCulture) : Labels[value];

    /// <summary>Values nearer to the simplest, that one first, then from large steps to one: the first that still fails is taken.</summary>
    internal IEnumerable<int> Simpler()
    {
        if (Value == Simplest) yield break;
        yield return Simplest;
        if (Labels.Count > 0)
            for (int label = 0; label < Value; label++)
                yield return label;
        else
            for (int step = (Value - Simplest) / 2; step != 0; step /= 2)
                yield return Value - step;
    }
}
