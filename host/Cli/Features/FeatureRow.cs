namespace AttnKernels.Cli.Features;

/// <summary>A form, and for each column of its section the problem that has it, by type.</summary>
internal sealed record FeatureRow(string Form, params Func<DType, object>[] Problems)
{
    /// <summary>The one type that has the form; null: all.</summary>
    public DType? Only { get; init; }
}

/// <summary>Forms that are asked of the same operations.</summary>
/// <param name="Title">What the forms are forms of.</param>
/// <param name="Operations">The columns.</param>
/// <param name="Rows">The forms.</param>
internal sealed record FeatureSection(string Title, string[] Operations, FeatureRow[] Rows);
