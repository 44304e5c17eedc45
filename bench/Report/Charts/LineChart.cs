namespace AttnKernels.Bench.Report.Charts;

/// <summary>Throughput over the sequence length, one line an implementation.</summary>
internal static class LineChart
{
    private const double Width = 450;
    private const double Height = 300;
    private const double Left = 52;
    private const double Right = 14;
    private const double Top = 44;
    private const double Bottom = 42;

    /// <summary>Draws <paramref name="series"/>: a name and (sequence length, GFLOP/s) points each.</summary>
    public static string Draw(
        string title, IReadOnlyList<(string Family, IReadOnlyList<(double X, double Y)> Points)> series, double ceiling)
    {
        double[] lengths = [.. series.SelectMany(s => s.Points).Select(p => p.X).Distinct().Order()];
        double most = series.SelectMany(s => s.Points).Select(p => p.Y).Append(ceiling).Max();
        var x = new Scale(lengths[0], Math.Max(lengths[^1], lengths[0] * 2), Left + 10, Width - Right - 10, true);
        var y = new Scale(0, most * 1.05, Height - Bottom, Top, false);
        var svg = new Svg(Width, Height, title);
        svg.Text(Left, 16, title, "chart-title");

        foreach (double tick in y.Ticks())
        {
            svg.Line(Left, y.At(tick), Width - Right, y.At(tick), "grid");
            svg.Text(Left - 6, y.At(tick) + 4, Scale.Label(tick), "tick", Svg.Anchor.End);
        }
        foreach (double length in lengths) svg.Text(x.At(length), Height - Bottom + 16, Scale.Label(length), "tick", Svg.Anchor.Middle);
        svg.Text((Left + Width - Right) / 2, Height - 8, "queries and keys", "tick", Svg.Anchor.Middle);
        svg.Text(Left, Top - 8, "GFLOP/s", "tick", Svg.Anchor.End);
        svg.Line(Left, y.At(ceiling), Width - Right, y.At(ceiling), "ceiling");
        svg.Text(Width - Right, y.At(ceiling) - 4, $"FMA ceiling {Format.Number(ceiling)}", "ceiling-label", Svg.Anchor.End);

        foreach ((string family, IReadOnlyList<(double X, double Y)> points) in series.Reverse())
        {
            string css = Legend.Css(family);
            svg.Polyline(points.Select(p => (x.At(p.X), y.At(p.Y))), $"stroke {css}");
            foreach ((double px, double py) in points)
                svg.Circle(x.At(px), y.At(py), 3.2, $"fill {css}", $"{family}, {Scale.Label(px)}: {Format.Number(py)} GFLOP/s");
        }
        return svg.ToString();
    }
}
