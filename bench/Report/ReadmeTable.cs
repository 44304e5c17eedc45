namespace AttnKernels.Bench.Report;

/// <summary>Refreshes the table between two markers of README.md.</summary>
public static class ReadmeTable
{
    private const string Start = "<!-- bench:start -->";
    private const string End = "<!-- bench:end -->";

    /// <summary>The text of README.md with the fp32 results of every file of records; unchanged where the markers are missing.</summary>
    public static string Refresh(string readme, IEnumerable<IReadOnlyList<BenchRecord>> files)
    {
        int start = readme.IndexOf(Start, StringComparison.Ordinal), end = readme.IndexOf(End, StringComparison.Ordinal);
        if (start < 0 || end < start) return readme;
        IEnumerable<string> tables = files.Where(records => records.Count > 0).Select(Table);
        return $"{readme[..(start + Start.Length)]}\n{string.Join("\n", tables)}{readme[end..]}";
    }

    private static string Table(IReadOnlyList<BenchRecord> records)
    {
        var report = new ReportDocument(records[0].Device, "", [.. records.Where(r => r.Dtype == "fp32")], [], [], [], []);
        ReportTables.Table summary = ReportTables.Summary(report);
        // The full table with spreads and bandwidths is in bench/results; here what a reader compares.
        int[] columns = [0, 2, 3, 5, 6, .. Enumerable.Range(7, report.Families.Count)];
        string[] Pick(string[] row) => [.. columns.Select(c => c == 2 ? row[c].Split(' ')[0] : row[c])];
        ReportTables.Table picked = new("", Pick(summary.Header), [.. summary.Rows.Select(Pick)]);
        string ceilings = string.Join(", ", ReportTables.Ceilings(report).Rows
            .Where(r => r[2] == Format.Count(report.Threads)).Select(r => $"{r[0]} {r[3]}"));
        string picture =
            $"![GFLOP/s of each workload and implementation under the ceilings of this machine](bench/results/{report.FileName}.svg)";
        return $"{report.Device}, {report.Threads} threads, fp32. Ceilings in the same run: {ceilings}.\n\n"
            + $"{picture}\n\n{MarkdownReport.Table(picked)}";
    }
}
