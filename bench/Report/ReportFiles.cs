namespace AttnKernels.Bench.Report;

/// <summary>Writes a report in all of its forms.</summary>
internal static class ReportFiles
{
    /// <summary>Writes NAME.json, .csv, .md and .html, and .svg where ceilings were measured, into <paramref name="folder"/>.</summary>
    /// <returns>The HTML page's path.</returns>
    public static string Write(ReportDocument report, string folder)
    {
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, report.FileName);
        File.WriteAllText(path + ".json", RecordFile.ToJson(report.Records));
        File.WriteAllText(path + ".csv", RecordFile.ToCsv(report.Records));
        File.WriteAllText(path + ".md", MarkdownReport.Page(report));
        File.WriteAllText(path + ".html", HtmlReport.Page(report));
        if (HtmlReport.Picture(report) is { } picture) File.WriteAllText(path + ".svg", picture);
        return path + ".html";
    }
}
