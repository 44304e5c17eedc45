using AttnKernels.Bench.Ceilings;

namespace AttnKernels.Bench.Report.Charts;

/// <summary>
/// The roofline (Williams, Waterman, Patterson 2009): GFLOP/s over the operations per byte of least traffic, both logarithmic, under the
/// lower of the arithmetic ceiling and the read bandwidth times the intensity; TF32's ceilings are lines of their own above it.
/// </summary>
internal static class RooflineChart
{
    private const double Width = 920;
    private const double Height = 440;
    private const double Left = 64;
    private const double Right = 24;
    private const double Top = 40;
    private const double Bottom = 46;

    /// <summary>Draws the records that have a rate.</summary>
    public static string Draw(IReadOnlyList<BenchRecord> records, Ceiling ceiling)
    {
        BenchRecord[] points = [.. records.Where(r => r is { Gflops: > 0, Gbps: > 0 })];
        double lowX = points.Min(Intensity) / 1.5, highX = points.Max(Intensity) * 2.5;
        double lowY = points.Min(r => r.Gflops!.Value) / 1.6, highY = CeilingValues.Arithmetic(ceiling).Max(c => c.Gflops) * 1.8;
        var x = new Scale(lowX, highX, Left, Width - Right, true);
        var y = new Scale(lowY, highY, Height - Bottom, Top, true);
        var svg = new Svg(Width, Height, "Roofline");
        Legend.Draw(svg, Left, 18, points.OrderBy(r => r.IsOurs ? 0 : 1).Select(r => r.Family).Distinct());

        foreach (double tick in x.Ticks())
        {
            svg.Line(x.At(tick), Top, x.At(tick), Height - Bottom, "grid");
            svg.Text(x.At(tick), Height - Bottom + 16, Scale.Label(tick), "tick", Svg.Anchor.Middle);
        }
        foreach (double tick in y.Ticks())
        {
            svg.Line(Left, y.At(tick), Width - Right, y.At(tick), "grid");
            svg.Text(Left - 6, y.At(tick) + 4, Scale.Label(tick), "tick", Svg.Anchor.End);
        }
        svg.Text((Left + Width - Right) / 2, Height - 8, "FLOP per byte of least traffic", "tick", Svg.Anchor.Middle);
        svg.Text(Left + 6, Top + 12, "GFLOP/s", "tick");

        double ridge = ceiling.Gflops / ceiling.ReadGbps, start = Math.Max(lowX, lowY / ceiling.ReadGbps);
        foreach ((string name, double gflops) in CeilingValues.Arithmetic(ceiling))
        {
            double corner = gflops / ceiling.ReadGbps;
            svg.Polyline(
                [(x.At(start), y.At(start * ceiling.ReadGbps)), (x.At(corner), y.At(gflops)), (x.At(highX), y.At(gflops))], "ceiling");
            string label = ceiling.Tf32Gflops is null ? "" : $"{name} ";
            svg.Text(Width - Right, y.At(gflops) - 6, $"{label}{Format.Number(gflops)} GFLOP/s", "ceiling-label", Svg.Anchor.End);
        }
        svg.Text(x.At(Math.Sqrt(start * ridge)) - 8, y.At(Math.Sqrt(start * ridge) * ceiling.ReadGbps) - 6,
            $"{Format.Number(ceiling.ReadGbps)} GB/s read", "ceiling-label", Svg.Anchor.End);

        foreach (BenchRecord r in points.OrderBy(r => r.IsOurs ? 1 : 0))
            svg.Circle(x.At(Intensity(r)), y.At(r.Gflops!.Value), r.IsOurs ? 5 : 3.5, $"fill point {Legend.Css(r.Family)}",
                $"{r.Workload}, {r.Implementation}: {Format.Number(r.Gflops)} GFLOP/s, {Format.Number(r.Gbps)} GB/s, "
                    + $"{Format.Percent(r.PercentOfCeiling)} of the ceiling");
        Labels(svg, points.Where(r => r.IsOurs).Select(r => (r.Workload, x.At(Intensity(r)), y.At(r.Gflops!.Value))));
        return svg.ToString();
    }

    /// <summary>Names the library's points, as far as the names do not cover one another or another point.</summary>
    private static void Labels(Svg svg, IEnumerable<(string Name, double X, double Y)> points)
    {
        (string Name, double X, double Y)[] all = [.. points];
        var taken = new List<(double X, double Y, double Width)>();
        foreach ((string name, double px, double py) in all.OrderBy(p => p.Y))
        {
            double width = name.Length * 5.6, left = px + 8;
            if (left + width > Width) continue;
            bool hitsLabel = taken.Any(t => left < t.X + t.Width && t.X < left + width && Math.Abs(t.Y - py) < 11);
            bool hitsPoint = all.Any(p => p.Name != name && p.X > px + 3 && p.X < left + width + 5 && Math.Abs(p.Y - py) < 10);
            if (hitsLabel || hitsPoint) continue;
            taken.Add((left, py, width));
            svg.Text(left, py + 4, name, "value");
        }
    }

    private static double Intensity(BenchRecord r) => r.Gflops!.Value / r.Gbps!.Value;
}
