namespace AttnKernels.Verification;

/// <summary>A problem made of choices, with its data: drawn at random, or written out as text that leads back to it.</summary>
public sealed class FuzzProblem
{
    /// <summary>The share of problems that may cost <see cref="LargeFactor"/> times as much: some tiles are for large grids only.</summary>
    private const double LargeShare = 0.03;

    private const int LargeFactor = 8;

    private const int DataSets = 10000;

    private FuzzProblem(string operation, IReadOnlyList<FuzzChoice> choices, VerificationCase @case, int data, double cost)
    {
        (Operation, Choices, Cost) = (operation, choices, cost);
        Text = string.Join(' ', choices.Where(c => c.Value != c.Simplest).Select(c => c.ToString()).Prepend(operation));
        Case = @case with { Name = Text, DataSeed = Seeded.SeedOf($"fuzz {data}"), IsRandom = true };
    }

    private FuzzProblem(FuzzProblem problem, VerificationCase @case) =>
        (Operation, Choices, Cost, Text, Case) = (problem.Operation, problem.Choices, problem.Cost, problem.Text, @case);

    /// <summary>One of <see cref="FuzzGenerator.Operations"/>.</summary>
    public string Operation { get; }

    /// <summary>Everything that was chosen, in order.</summary>
    public IReadOnlyList<FuzzChoice> Choices { get; }

    /// <summary>The operation and every choice that is not the simplest: "attention seqKv=41 causal=TopLeft".</summary>
    public string Text { get; }

    /// <summary>What runs it. Its data depends on the choice named data alone, so that a shrunk problem keeps its numbers.</summary>
    public VerificationCase Case { get; }

    /// <summary>Roughly its multiplications.</summary>
    internal double Cost { get; }

    /// <summary>Problem number <paramref name="index"/> of a seed; depends on no other.</summary>
    /// <param name="seed">Any number.</param>
    /// <param name="index">From 0.</param>
    /// <param name="size">How large it may be.</param>
    /// <param name="operation">One of <see cref="FuzzGenerator.Operations"/>; null = any.</param>
    public static FuzzProblem Random(ulong seed, long index, CaseSize size, string? operation = null)
    {
        Seeded lots = new(Seeded.SeedOf($"{seed} {index}"));
        string chosen = operation ?? FuzzGenerator.OperationAt(lots.Uniform(0, 0));
        bool large = size == CaseSize.Normal && lots.Uniform(0, 1) < LargeShare;
        // Sizes are drawn without looking at one another, so that any of them can be the large one; what costs too much is drawn again.
        for (int attempt = 0; ; attempt++)
        {
            FuzzProblem problem = Create(chosen, FuzzChoices.Random(Seeded.SeedOf($"{seed} {index} {attempt}")), size);
            if (problem.Cost <= FuzzGenerator.Budget(size) * (large ? LargeFactor : 1)) return problem;
        }
    }

    /// <summary>The problem that <see cref="Text"/> describes.</summary>
    /// <exception cref="ArgumentException">No such operation, choice or value; the message lists those that exist.</exception>
    public static FuzzProblem Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        string operation = words.FirstOrDefault() ?? "";
        if (!FuzzGenerator.Operations.Contains(operation))
        {
            throw new ArgumentException(
                $"There is no operation '{operation}'. There are: {string.Join(", ", FuzzGenerator.Operations)}.", nameof(text));
        }
        Dictionary<string, string> given = [];
        foreach (string word in words.Skip(1))
        {
            string[] parts = word.Split('=', 2);
            if (parts.Length != 2 || !given.TryAdd(parts[0], parts[1]))
                throw new ArgumentException($"'{word}' is not a choice of the form name=value, or is one said twice.", nameof(text));
        }
        FuzzProblem problem = Create(operation, FuzzChoices.Given(given), CaseSize.Normal);
        string[] names = [.. problem.Choices.Select(c => c.Name)];
        if (given.Keys.Except(names).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"This {operation} has no choice '{unknown}'. It has: {string.Join(", ", names)}.", nameof(text));
        return problem;
    }

    /// <summary>
    /// The problem of these choices, less those that others make meaningless. Where its reference costs more than
    /// <paramref name="budget"/>, only a part of the rows is checked.
    /// </summary>
    internal static FuzzProblem Of(string operation, string choices, double budget)
    {
        Dictionary<string, string> given = [];
        foreach (string word in choices.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            given[word[..word.IndexOf('=', StringComparison.Ordinal)]] = word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..];
        FuzzProblem problem = Create(operation, FuzzChoices.Given(given), CaseSize.Normal);
        if (problem.Cost <= budget || problem.Case is not AttentionCase { Problem: { } p }) return problem;
        int rows = Math.Max(16, (int)(p.Batch * p.HeadsQ * p.SeqQ * (budget / problem.Cost)));
        return new FuzzProblem(problem, problem.Case with { SampledRows = rows });
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    /// <summary>The same problem with another value of one choice. Choices that it makes meaningless go; new ones are simplest.</summary>
    internal FuzzProblem With(FuzzChoice choice, int value)
    {
        Dictionary<string, string> texts = Choices.ToDictionary(c => c.Name, c => c.Text);
        texts[choice.Name] = choice.TextOf(value);
        return Create(Operation, FuzzChoices.Given(texts), CaseSize.Normal);
    }

    private static FuzzProblem Create(string operation, FuzzChoices choices, CaseSize size)
    {
        (VerificationCase @case, double cost) = FuzzGenerator.Draw(operation, choices, size);
        int data = choices.Number("data", DataSets - 1);
        return new FuzzProblem(operation, choices.Made, @case, data, cost);
    }
}
