using System.Globalization;
using System.Security;
using System.Text;

namespace AttnKernels.Bench.Report.Charts;

/// <summary>Writes an SVG drawing. Colours come from CSS classes of the page, so that it follows its light and dark themes.</summary>
internal sealed class Svg(double width, double height, string label)
{
    private readonly StringBuilder body = new();

    /// <summary>Where a text is anchored.</summary>
    public enum Anchor
    {
        Start,
        Middle,
        End,
    }

    public Svg Line(double x1, double y1, double x2, double y2, string css) =>
        Add($"<line class=\"{css}\" x1=\"{N(x1)}\" y1=\"{N(y1)}\" x2=\"{N(x2)}\" y2=\"{N(y2)}\"/>");

    public Svg Rectangle(double x, double y, double w, double h, string css, string tooltip) =>
        Add($"<rect class=\"{css}\" x=\"{N(x)}\" y=\"{N(y)}\" width=\"{N(w)}\" height=\"{N(h)}\">{Tooltip(tooltip)}</rect>");

    public Svg Circle(double x, double y, double radius, string css, string tooltip) =>
        Add($"<circle class=\"{css}\" cx=\"{N(x)}\" cy=\"{N(y)}\" r=\"{N(radius)}\">{Tooltip(tooltip)}</circle>");

    public Svg Polyline(IEnumerable<(double X, double Y)> points, string css) =>
        Add($"<polyline class=\"{css}\" points=\"{string.Join(' ', points.Select(p => $"{N(p.X)},{N(p.Y)}"))}\"/>");

    public Svg Text(double x, double y, string text, string css = "label", Anchor anchor = Anchor.Start) =>
        Add($"<text class=\"{css}\" x=\"{N(x)}\" y=\"{N(y)}\" text-anchor=\"{anchor.ToString().ToLowerInvariant()}\">"
            + $"{Escape(text)}</text>");

    /// <summary>The drawing as an element that scales with the page.</summary>
    public override string ToString() =>
        $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {N(width)} {N(height)}\" role=\"img\" aria-label=\"{Escape(label)}\">\n"
        + $"{body}</svg>\n";

    /// <summary>A drawing as a file of its own, which brings its colours along.</summary>
    public static string File(string drawing, string css)
    {
        int content = drawing.IndexOf('\n', StringComparison.Ordinal) + 1;
        return $"{drawing[..content]}<style>\n{css}\nsvg {{ background: var(--back); }}\n</style>\n{drawing[content..]}";
    }

    /// <summary>Text for XML.</summary>
    public static string Escape(string text) => SecurityElement.Escape(text);

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Tooltip(string text) => text.Length == 0 ? "" : $"<title>{Escape(text)}</title>";

    private Svg Add(string element)
    {
        body.Append(element).Append('\n');
        return this;
    }
}
