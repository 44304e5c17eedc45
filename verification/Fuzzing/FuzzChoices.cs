using System.Globalization;

namespace AttnKernels.Verification;

/// <summary>
/// Where a problem's choices come from: drawn at random, or given by name, where what is not given is the simplest. Since a problem
/// is nothing but its choices, one generator serves random problems, their replay and their shrinking.
/// </summary>
internal sealed class FuzzChoices
{
    /// <summary>Sizes at the edges of tiles and vectors.</summary>
    private static readonly int[] Edges =
    [
        1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 37, 63, 64, 65, 127, 128, 129, 255, 256, 257, 501, 511, 512, 513,
        1023, 1024, 1025, 4096, 4097,
    ];

    private readonly Seeded? random;
    private readonly IReadOnlyDictionary<string, string> given;
    private readonly List<FuzzChoice> made = [];

    private FuzzChoices(Seeded? random, IReadOnlyDictionary<string, string> given) => (this.random, this.given) = (random, given);

    /// <summary>What was chosen so far, in order.</summary>
    public IReadOnlyList<FuzzChoice> Made => made;

    /// <summary>Random choices; the same for the same seed.</summary>
    public static FuzzChoices Random(ulong seed) => new(new Seeded(seed), new Dictionary<string, string>());

    /// <summary>The choices in <paramref name="texts"/>, the simplest for all others.</summary>
    public static FuzzChoices Given(IReadOnlyDictionary<string, string> texts) => new(null, texts);

    /// <summary>A size from 1: often at an edge or <paramref name="other"/>, else each order of magnitude equally likely.</summary>
    public int Size(string name, int max, int other = 0) => Number(name, 1, 1, () =>
    {
        if (other > 0 && Uniform(3) < 0.25) return other;
        if (Uniform(1) >= 0.4) return (int)Math.Exp(Uniform(2) * Math.Log(max + 0.99));
        int edges = Edges.Count(edge => edge <= max);
        return Edges[(int)(Uniform(2) * edges)];
    });

    /// <summary>A count from 1, which it mostly is.</summary>
    public int Few(string name, int max) => Number(name, 1, 1, () => Uniform(1) < 0.4 ? 1 : 1 + (int)(Uniform(2) * max));

    /// <summary>A size drawn from those past <paramref name="past"/>; a given one, and the simplest, may be smaller.</summary>
    public int SizePast(string name, int past, int max) => Number(name, 1, 1, () => past + 1 + (int)(Uniform(1) * (max - past)));

    /// <summary>Any number from 0.</summary>
    public int Number(string name, int max) => Number(name, 0, 0, () => (int)(Uniform(1) * (max + 1)));

    /// <summary>Any number of a range around 0, the simplest. A given one may lie outside: it is from larger sizes.</summary>
    public int Offset(string name, int min, int max) => Number(name, 0, int.MinValue, () => min + (int)(Uniform(1) * (max - min + 1)));

    /// <summary>A distance in rows: none (null, the simplest), one of a range, or, rarely, the largest that a problem may have.</summary>
    public int? Window(string name, int max)
    {
        int value = Number(name, -1, -1, () => Uniform(1) switch
        {
            < 0.7 => -1,
            < 0.98 => (int)(Uniform(2) * (max + 1)),
            _ => ScoreProblem.MaxRows,
        });
        return value < 0 ? null : value;
    }

    /// <summary>Yes or no, which is the simplest.</summary>
    public bool Flag(string name, double probability) => Choose(name, 0, ["no", "yes"], () => Uniform(1) < probability ? 1 : 0) == 1;

    /// <summary>One of several named values; the first is the simplest, and drawn with <paramref name="first"/>'s probability.</summary>
    public T Pick<T>(string name, double first, IReadOnlyList<T> values, Func<T, string> label) =>
        values[Choose(name, 0, [.. values.Select(label)],
            () => Uniform(1) < first ? 0 : (int)(Uniform(2) * values.Count))];

    private int Number(string name, int simplest, int min, Func<int> draw)
    {
        int value = Choose(name, simplest, [], draw);
        return value >= min ? value : throw new ArgumentException($"{name} must be at least {min}, is {value}.", name);
    }

    private int Choose(string name, int simplest, IReadOnlyList<string> labels, Func<int> draw)
    {
        int value = random is not null ? draw() : given.TryGetValue(name, out string? text) ? Parse(name, text, labels) : simplest;
        made.Add(new FuzzChoice(name, value, simplest, labels));
        return value;
    }

    private static int Parse(string name, string text, IReadOnlyList<string> labels)
    {
        int value = 0;
        bool isKnown = labels.Count > 0
            ? (value = labels.ToList().FindIndex(label => label.Equals(text, StringComparison.OrdinalIgnoreCase))) >= 0
            : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        if (isKnown) return value;
        string known = labels.Count > 0 ? string.Join(", ", labels) : "a whole number";
        throw new ArgumentException($"{name} cannot be '{text}', only {known}.", name);
    }

    /// <summary>Number <paramref name="n"/> of this choice.</summary>
    private double Uniform(int n) => random!.Uniform(made.Count, n);
}
