using System.Text;

namespace AttnKernels.Bench.Report;

/// <summary>The report as Markdown.</summary>
internal static class MarkdownReport
{
    /// <summary>The whole page.</summary>
    public static string Page(ReportDocument report)
    {
        var text = new StringBuilder($"# Benchmark: {report.Device}\n\n{report.Machine}\n\n");
        foreach (ReportTables.Table table in Tables(report)) text.Append($"## {table.Title}\n\n{Table(table)}\n");
        List(text, "Peers", report.Peers);
        List(text, "Peers that were not present", report.Absent);
        List(text, "Plans", report.Plans);
        List(text, "Warnings, and what was not measured", report.Omissions);
        List(text, "Method", ReportDocument.Method);
        return text.ToString();
    }

    /// <summary>A table with columns of equal width, so that it reads as plain text too.</summary>
    public static string Table(ReportTables.Table table)
    {
        var text = new StringBuilder();
        int[] widths = [.. Enumerable.Range(0, table.Header.Length).Select(i => table.Rows.Append(table.Header).Max(row => row[i].Length))];
        Row(table.Header);
        Row([.. widths.Select(w => new string('-', w))]);
        foreach (string[] row in table.Rows) Row(row);
        return text.ToString();

        void Row(string[] cells) => text.Append("| ").AppendJoin(" | ", cells.Select((c, i) => c.PadRight(widths[i]))).Append(" |\n");
    }

    private static IEnumerable<ReportTables.Table> Tables(ReportDocument report) =>
        ((ReportTables.Table[])[
            ReportTables.Ceilings(report), ReportTables.Summary(report), ReportTables.Scaling(report), ReportTables.FirstCall(report),
            ReportTables.All(report),
        ]).Where(t => t.Rows.Count > 0);

    private static void List(StringBuilder text, string title, IReadOnlyList<string> lines)
    {
        if (lines.Count == 0) return;
        text.Append($"## {title}\n\n");
        foreach (string line in lines) text.Append($"- {line}\n");
        text.Append('\n');
    }
}
