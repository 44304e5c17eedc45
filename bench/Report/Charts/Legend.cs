namespace AttnKernels.Bench.Report.Charts;

/// <summary>Swatches with names in one row.</summary>
internal static class Legend
{
    private const double Swatch = 11;
    private const double CharacterWidth = 6.6;
    private const double Gap = 26;

    /// <summary>Draws the names from (<paramref name="x"/>, <paramref name="y"/>) on.</summary>
    public static void Draw(Svg svg, double x, double y, IEnumerable<string> families)
    {
        foreach (string family in families)
        {
            svg.Rectangle(x, y - Swatch + 1, Swatch, Swatch, $"fill {Css(family)}", "");
            svg.Text(x + Swatch + 5, y, family);
            x += Swatch + 5 + family.Length * CharacterWidth + Gap;
        }
    }

    /// <summary>The CSS class that colours an implementation.</summary>
    public static string Css(string family) => "c-" + ReportDocument.Sanitise(family);
}
