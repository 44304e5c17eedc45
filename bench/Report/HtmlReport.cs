using System.Text;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Report.Charts;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Report;

/// <summary>The report as one page that needs nothing else.</summary>
internal static class HtmlReport
{
    /// <summary>The page.</summary>
    public static string Page(ReportDocument report)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        page.Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        page.Append($"<title>Benchmark: {Svg.Escape(report.Device)}</title>\n<style>\n{HtmlStyle.Css}\n</style>\n</head>\n<body>\n");
        page.Append($"<h1>{Svg.Escape(report.Device)}</h1>\n<p>{Svg.Escape(report.Machine)}</p>\n");
        Charts(page, report);
        foreach (ReportTables.Table table in (ReportTables.Table[])
            [
                ReportTables.Ceilings(report), ReportTables.Summary(report), ReportTables.Scaling(report), ReportTables.FirstCall(report),
                ReportTables.All(report),
            ])
        {
            if (table.Rows.Count > 0) Table(page, table);
        }
        List(page, "Peers", report.Peers);
        List(page, "Peers that were not present", report.Absent);
        List(page, "Plans", report.Plans);
        List(page, "Warnings, and what was not measured", report.Omissions);
        List(page, "Method", ReportDocument.Method);
        return page.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>The roofline of the first type as an SVG file of its own, or null where no ceiling was measured.</summary>
    public static string? Picture(ReportDocument report)
    {
        foreach ((string _, Ceiling ceiling, WorkloadGroup[] groups) in Types(report))
            return Svg.File(Roofline(groups, ceiling), HtmlStyle.Css);
        return null;
    }

    private static string Roofline(WorkloadGroup[] groups, Ceiling ceiling) =>
        RooflineChart.Draw([.. groups.SelectMany(g => g.Records)], ceiling);

    /// <summary>The types that were measured beside their ceilings, and their workloads.</summary>
    private static IEnumerable<(string Type, Ceiling Ceiling, WorkloadGroup[] Groups)> Types(ReportDocument report)
    {
        foreach (string type in report.Groups.Select(g => g.Dtype).Distinct())
        {
            if (CeilingValues.For(report.Records, report.Threads, type) is not { } ceiling) continue;
            WorkloadGroup[] groups = [.. report.Groups.Where(g => g.Threads == report.Threads && g.Dtype == type && g.Ours is not null)];
            if (groups.Length > 0) yield return (type, ceiling, groups);
        }
    }

    private static void Charts(StringBuilder page, ReportDocument report)
    {
        foreach ((string type, Ceiling ceiling, WorkloadGroup[] groups) in Types(report))
        {
            ILookup<bool, WorkloadGroup> byBinding = groups.ToLookup(g => CeilingValues.IsArithmetic(g.Ours!, ceiling));
            Chart(page, $"Limited by arithmetic, {type}", byBinding[true], r => r.Gflops ?? 0, "GFLOP/s",
                [.. CeilingValues.Arithmetic(ceiling).Select(c => ($"{c.Name} ceiling", c.Gflops))]);
            Chart(page, $"Limited by memory, {type}", byBinding[false], r => r.Gbps ?? 0, "GB/s",
                [("read", ceiling.ReadGbps), ("copy", ceiling.CopyGbps)]);
            Sweep(page, type, groups, ceiling);
            page.Append($"<h2>Roofline, {type}</h2>\n").Append(Roofline(groups, ceiling));
        }
    }

    private static void Chart(
        StringBuilder page, string title, IEnumerable<WorkloadGroup> groups, Func<BenchRecord, double> value, string unit,
        IReadOnlyList<(string, double)> ceilings)
    {
        WorkloadGroup[] drawn = [.. groups];
        if (drawn.Length > 0) page.Append($"<h2>{title}</h2>\n").Append(BarChart.Draw(drawn, value, unit, ceilings));
    }

    private static void Sweep(StringBuilder page, string type, WorkloadGroup[] groups, Ceiling ceiling)
    {
        string[] charts = [.. ((bool[])[false, true]).Select(causal => SweepChart(groups, causal, ceiling)).OfType<string>()];
        if (charts.Length == 0) return;
        page.Append($"<h2>Over the sequence length, 8 heads of 64, {type}</h2>\n<div class=\"pair\">{string.Concat(charts)}</div>\n");
    }

    private static string? SweepChart(WorkloadGroup[] groups, bool causal, Ceiling ceiling)
    {
        var points = WorkloadTable.SweepLengths
            .SelectMany(seq => groups.Where(g => g.Workload == WorkloadTable.SweepName(seq, causal)).SelectMany(g => g.Records)
                .Select(r => (r.Family, Point: ((double)seq, r.Gflops ?? 0))))
            .GroupBy(p => p.Family)
            .Select(g => (g.Key, (IReadOnlyList<(double, double)>)[.. g.Select(p => p.Point)]))
            .ToArray();
        bool isLine = points.Any(p => p.Item2.Count > 1);
        return isLine ? LineChart.Draw(causal ? "causal (half the work counted)" : "no mask", points, ceiling.Gflops) : null;
    }

    private static void Table(StringBuilder page, ReportTables.Table table)
    {
        page.Append($"<h2>{Svg.Escape(table.Title)}</h2>\n<div class=\"scroll\"><table>\n<thead><tr>");
        foreach (string cell in table.Header) page.Append($"<th>{Svg.Escape(cell)}</th>");
        page.Append("</tr></thead>\n<tbody>\n");
        foreach (string[] row in table.Rows)
            page.Append("<tr>").AppendJoin("", row.Select(cell => $"<td>{Svg.Escape(cell)}</td>")).Append("</tr>\n");
        page.Append("</tbody></table></div>\n");
    }

    private static void List(StringBuilder page, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        page.Append($"<h2>{title}</h2>\n<ul>\n");
        foreach (string line in lines) page.Append($"<li>{Svg.Escape(line)}</li>\n");
        page.Append("</ul>\n");
    }
}
