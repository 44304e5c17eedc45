namespace AttnKernels.Verification;

/// <summary>What the data of a case looks like, beyond its problem.</summary>
public sealed record CaseOptions
{
    /// <summary>How the four tensors lie in memory.</summary>
    public Placement Placement { get; init; } = Placement.Dense;

    /// <summary>Q, K and V are parts of one (batch, seq, heads, dim) tensor.</summary>
    public bool Packed { get; init; }

    /// <summary>Standard deviation of the queries, or of the logits of a softmax: 50 makes rows that one key dominates.</summary>
    public double Logits { get; init; } = 1;

    /// <summary>Q, K and V are those of <see cref="TracedKeys"/>: a lost key shows at any length.</summary>
    public bool Traced { get; init; }

    /// <summary>A NaN in one query, in one key and in one element of a value: only the rows that see it may be NaN.</summary>
    public bool VisibleNaN { get; init; }

    /// <summary>The lengths of the batch entries, packed or padded; null: random ones.</summary>
    public IReadOnlyList<int>? Lengths { get; init; }

    /// <summary>The last batch entry has key length 0.</summary>
    public bool EmptyBatch { get; init; }

    /// <summary>The plan has run before, with every key visible: what that run left in a workspace must not reach the result.</summary>
    public bool AfterLonger { get; init; }

    /// <summary>How many rows' weights are wanted after the run, by a weights plan; needs its LSE.</summary>
    public int WeightRows { get; init; }

    /// <summary>The logits of every row rise, so that the running maximum changes at every step.</summary>
    public bool Rising { get; init; }

    /// <summary>X and Y are the same memory.</summary>
    public bool InPlace { get; init; }

    /// <summary>Axes of the boolean mask.</summary>
    public Axes4 MaskAxes { get; init; } = Axes4.Batch | Axes4.Queries | Axes4.Keys;

    /// <summary>Axes of the bias.</summary>
    public Axes4 BiasAxes { get; init; } = Axes4.Heads | Axes4.Queries | Axes4.Keys;

    /// <summary>A fifth of the bias is -inf.</summary>
    public bool InfiniteBias { get; init; }

    /// <summary>The slopes are (batch, heads) instead of (heads).</summary>
    public bool AlibiPerBatch { get; init; }

    /// <summary>The document ids are (1, n) instead of (batch, n).</summary>
    public bool SharedDocuments { get; init; }

    /// <summary>Some ids are out of order, or have no counterpart.</summary>
    public bool MixedDocuments { get; init; }

    /// <summary>The user's score rule.</summary>
    public CaseModifier Modifier { get; init; }

    /// <summary>The full ones of the block mask's first two axes.</summary>
    public Axes4 BlockAxes { get; init; } = Axes4.Batch | Axes4.Heads;
}
