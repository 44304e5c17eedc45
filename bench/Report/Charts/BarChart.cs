namespace AttnKernels.Bench.Report.Charts;

/// <summary>Horizontal bars, one group a workload and one bar an implementation, with lines where the ceilings are.</summary>
internal static class BarChart
{
    private const double Width = 920;
    private const double Left = 190;
    private const double Right = 60;
    private const double Top = 58;
    private const double Bottom = 40;
    private const double Bar = 11;
    private const double GroupGap = 10;

    /// <summary>Draws <paramref name="groups"/> by <paramref name="value"/>.</summary>
    /// <param name="groups">The workloads.</param>
    /// <param name="value">GFLOP/s or GB/s of a record.</param>
    /// <param name="unit">The axis' unit.</param>
    /// <param name="ceilings">Name and height of each ceiling.</param>
    public static string Draw(
        IReadOnlyList<WorkloadGroup> groups, Func<BenchRecord, double> value, string unit,
        IReadOnlyList<(string Name, double Value)> ceilings)
    {
        double height = Top + groups.Sum(g => g.Records.Count * Bar + GroupGap) + Bottom;
        double most = groups.SelectMany(g => g.Records).Select(value).Concat(ceilings.Select(c => c.Value)).Max();
        var x = new Scale(0, most * 1.02, Left, Width - Right, false);
        var svg = new Svg(Width, height, $"Throughput of every workload in {unit}");
        Legend.Draw(svg, Left, 18, groups.SelectMany(g => g.Records).OrderBy(r => r.IsOurs ? 0 : 1).Select(r => r.Family).Distinct());

        foreach (double tick in x.Ticks())
        {
            svg.Line(x.At(tick), Top - 6, x.At(tick), height - Bottom, "grid");
            svg.Text(x.At(tick), height - Bottom + 16, Scale.Label(tick), "tick", Svg.Anchor.Middle);
        }
        svg.Text((Left + Width - Right) / 2, height - 6, unit, "tick", Svg.Anchor.Middle);

        double y = Top;
        foreach (WorkloadGroup group in groups)
        {
            double middle = y + group.Records.Count * Bar / 2 + 4;
            svg.Text(Left - 10, middle, group.Workload, "label", Svg.Anchor.End);
            foreach (BenchRecord r in group.Records)
            {
                string tooltip = $"{group.Workload}, {r.Implementation}: {Format.Number(value(r))} {unit}, "
                    + $"{Format.Spread(r)} ms, {Format.Percent(r.PercentOfCeiling)} of the ceiling";
                svg.Rectangle(Left, y, Math.Max(1, x.At(value(r)) - Left), Bar - 1.5, $"fill {Legend.Css(r.Family)}", tooltip);
                if (r.IsOurs) svg.Text(x.At(value(r)) + 4, y + Bar - 2.5, Format.Number(value(r)), "value");
                y += Bar;
            }
            y += GroupGap;
        }
        Ceilings(svg, x, height, ceilings);
        return svg.ToString();
    }

    private static void Ceilings(Svg svg, Scale x, double height, IReadOnlyList<(string Name, double Value)> ceilings)
    {
        // Names of neighbouring lines take turns in height, so that they do not overlap.
        int row = 0;
        foreach ((string name, double value) in ceilings.OrderBy(c => c.Value))
        {
            svg.Line(x.At(value), Top - 8, x.At(value), height - Bottom, "ceiling");
            svg.Text(x.At(value), Top - 12 - 12 * (row++ % 2), $"{name} {Format.Number(value)}", "ceiling-label", Svg.Anchor.Middle);
        }
    }
}
