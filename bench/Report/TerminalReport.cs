using Spectre.Console;

namespace AttnKernels.Bench.Report;

/// <summary>The report's summary on the terminal.</summary>
internal static class TerminalReport
{
    private const int PlainWidth = 210;

    /// <summary>Prints the ceilings, the results, how threads scale, and the first call.</summary>
    public static void Print(ReportDocument report)
    {
        // Without a terminal there is no width to fit into, and wrapped cells would be unreadable in a log; nor are there colours.
        if (!AnsiConsole.Profile.Out.IsTerminal)
        {
            AnsiConsole.Profile.Width = PlainWidth;
            AnsiConsole.Profile.Capabilities.ColorSystem = ColorSystem.NoColors;
            AnsiConsole.Profile.Capabilities.Ansi = false;
        }
        foreach (ReportTables.Table table in (ReportTables.Table[])
            [
                ReportTables.Ceilings(report), ReportTables.Summary(report), ReportTables.Scaling(report), ReportTables.FirstCall(report),
            ])
        {
            if (table.Rows.Count > 0) AnsiConsole.Write(Build(table));
        }
        foreach (string line in report.Absent) AnsiConsole.WriteLine($"absent: {line}");
    }

    private static Table Build(ReportTables.Table source)
    {
        var table = new Table { Title = new TableTitle(Markup.Escape(source.Title)), Border = TableBorder.Rounded };
        for (int i = 0; i < source.Header.Length; i++)
        {
            var column = new TableColumn(Markup.Escape(source.Header[i])) { NoWrap = true };
            bool isNumber = source.Rows.All(row => row[i].Length == 0 || char.IsDigit(row[i][0]) || row[i] == "-");
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }
        foreach (string[] row in source.Rows) table.AddRow([.. row.Select(Markup.Escape)]);
        return table;
    }
}
