using System.Globalization;
using System.Xml.Linq;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Report;
using AttnKernels.Bench.Report.Charts;

namespace AttnKernels.Tests.Bench;

public class ReportTests
{
    private const double FullWidth = 920;

    [Fact]
    public void BarChartIsWellFormedAndHasABarForEveryRecord()
    {
        XElement svg = XElement.Parse(BarChart.Draw(Samples.Document.Groups, r => r.Gflops!.Value, "GFLOP/s", [("peak <&>", 200)]));
        XElement[] bars = [.. Named(svg, "rect").Where(r => r.Elements().Any())];
        bars.Should().HaveCount(5);
        // 160 of a scale that ends at 2 % above the largest value, the ceiling.
        double width = double.Parse(bars[0].Attribute("width")!.Value, CultureInfo.InvariantCulture);
        width.Should().BeApproximately(160 / (200 * 1.02) * (FullWidth - 190 - 60), 0.5);
        svg.Value.Should().Contain("peak <&> 200");
    }

    [Fact]
    public void LineAndRooflineChartsAreWellFormed()
    {
        XElement lines = XElement.Parse(LineChart.Draw("a & b", [("AttnKernels", [(512, 160), (1024, 170)]), ("naive", [(512, 5)])], 200));
        Named(lines, "polyline").Should().HaveCount(2);
        Named(lines, "circle").Should().HaveCount(3);
        XElement roof = XElement.Parse(RooflineChart.Draw(Samples.Records, new Ceiling(200, 40, 50)));
        Named(roof, "circle").Should().HaveCount(5);
    }

    [Fact]
    public void PageIsWellFormedAndNeedsNothingElse()
    {
        string page = HtmlReport.Page(Samples.Document);
        XElement html = XElement.Parse(page[page.IndexOf("<html", StringComparison.Ordinal)..]);
        html.Descendants().Should().NotContain(e => e.Name.LocalName == "script" || e.Name.LocalName == "link");
        html.DescendantsAndSelf().Attributes().Should().NotContain(a => a.Name.LocalName == "src" || a.Name.LocalName == "href");
        html.Value.Should().Contain("pytorch: install <torch>").And.Contain("would take 9 s").And.Contain("FlashForward: 64")
            .And.Contain(Samples.Device);
        Named(html, "svg").Should().HaveCountGreaterThanOrEqualTo(4);
    }

    [Fact]
    public void PictureIsAFileOfItsOwnWithItsColours()
    {
        XElement svg = XElement.Parse(HtmlReport.Picture(Samples.Document)!);
        Named(svg, "style").Should().ContainSingle().Which.Value.Should().Contain(".c-attnkernels").And.Contain("--back");
        Named(svg, "circle").Should().HaveCountGreaterThan(2);
        HtmlReport.Picture(Samples.Document with { Records = [] }).Should().BeNull("there is no ceiling");
    }

    [Fact]
    public void SummaryComparesWithEveryPeer()
    {
        string[] row = ReportTables.Summary(Samples.Document).Rows[0];
        row.Should().Equal("s512", "fp32", "3.00 (2.70 .. 3.30)", "160", "2.00", "80 % FMA", "0.125", "2.00x");
        ReportTables.Summary(Samples.Document).Rows[2][5].Should().Be("75 % read");
        ReportTables.FirstCall(Samples.Document).Rows.Select(r => r[4]).Should().Equal("30x", "2.00x");
    }

    [Fact]
    public void ReadmeIsRefreshedBetweenTheMarkersOnly()
    {
        const string readme = "before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n";
        string refreshed = ReadmeTable.Refresh(readme, [Samples.Records]);
        refreshed.Should().StartWith("before\n<!-- bench:start -->\n").And.EndWith("<!-- bench:end -->\nafter\n").And.NotContain("old");
        refreshed.Should().Contain("| s512 ").And.Contain("| 2.00x").And.Contain($"(bench/results/{Samples.Document.FileName}.svg)");
        ReadmeTable.Refresh(refreshed, [Samples.Records]).Should().Be(refreshed);
        ReadmeTable.Refresh("no markers", [Samples.Records]).Should().Be("no markers");
    }

    [Fact]
    public void FileNamesHoldOnlyLettersDigitsAndDashes() =>
        ReportDocument.Sanitise("cpu (AMD EPYC(tm) 9B14 / 2)").Should().Be("cpu-amd-epyc-tm-9b14-2");

    [Fact]
    public void CeilingTakesTheLargerFraction()
    {
        var ceiling = new Ceiling(200, 40, 50);
        ceiling.PercentOf(100, 30, 0).Should().Be((75, false));
        ceiling.PercentOf(100, 30, 0.5).Should().Be((60, false));
        ceiling.PercentOf(180, 30, 0).Should().Be((90, true));
    }

    private static IEnumerable<XElement> Named(XElement root, string name) =>
        root.DescendantsAndSelf().Where(e => e.Name.LocalName == name);
}
