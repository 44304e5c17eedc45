using AttnKernels.Bench.Ceilings;

namespace AttnKernels.Bench.Report;

/// <summary>The tables of a report, as rows of text: the terminal, Markdown and HTML show the same.</summary>
internal static class ReportTables
{
    /// <summary>A header and rows of the same length.</summary>
    public sealed record Table(string Title, string[] Header, IReadOnlyList<string[]> Rows);

    /// <summary>The ceilings of every thread count.</summary>
    public static Table Ceilings(ReportDocument report) => new("Ceilings measured in the same run",
        ["ceiling", "method", "threads", "value"],
        [.. report.Records.Where(r => r.Operation == BenchRecord.CeilingOperation).Select(r => (string[])
        [
            r.Workload["ceiling-".Length..], r.Implementation, Format.Count(r.Threads),
            r.Gflops is not null ? $"{Format.Number(r.Gflops)} GFLOP/s" : $"{Format.Number(r.Gbps)} GB/s",
        ])]);

    /// <summary>One row a workload: the library's numbers, and its speed over each peer.</summary>
    public static Table Summary(ReportDocument report)
    {
        return new Table($"Results, {report.Threads} threads",
            [
                "workload", "type", "ms (p20 .. p80)", "GFLOP/s", "GB/s", "% of ceiling", "error/bound",
                .. report.Families.Select(f => "over " + f),
            ],
            [.. report.Groups.Where(g => g.Threads == report.Threads && g.Ours is not null).Select(g => (string[])
            [
                g.Workload, g.Dtype, Format.Spread(g.Ours!), Format.Number(g.Ours!.Gflops), Format.Number(g.Ours.Gbps),
                $"{Format.Percent(g.Ours.PercentOfCeiling)}{Binding(g.Ours)}",
                Format.Number(g.Ours.ErrorOverBound), .. report.Families.Select(f => Format.Times(g.SpeedupOver(g.Peer(f)))),
            ])]);

        string Binding(BenchRecord ours) => CeilingValues.For(report.Records, report.Threads, ours.Dtype) is { } ceiling
            ? " " + CeilingValues.BindingName(ours, ceiling)
            : "";
    }

    /// <summary>The workloads that were also measured with one thread.</summary>
    public static Table Scaling(ReportDocument report) => new($"{report.Threads} threads over 1",
        ["workload", "implementation", "1 thread, ms", $"{report.Threads} threads, ms", "factor"],
        [.. report.Groups.Where(g => g.Threads == 1 && report.Threads > 1)
            .SelectMany(one => one.Records.Select(r =>
                (One: r, All: report.Group(one.Workload, one.Dtype, report.Threads)?.Peer(r.Family))))
            .Where(pair => pair.All is not null).Select(pair => (string[])
            [
                pair.One.Workload, pair.One.Family, Format.Number(pair.One.MedianMs), Format.Number(pair.All!.MedianMs),
                Format.Times(pair.One.MedianMs / pair.All.MedianMs),
            ])]);

    /// <summary>The first call of a process against a warm one.</summary>
    public static Table FirstCall(ReportDocument report) => new("First call of a process",
        ["workload", "what", "first, ms", "warm run, ms", "factor"],
        [.. report.Records.Where(r => r.Operation is BenchRecord.FirstCallOperation or BenchRecord.FirstRunOperation).Select(r =>
        {
            double? warm = report.Group(r.Workload, r.Dtype, r.Threads)?.Ours?.MedianMs;
            string what = r.Operation == BenchRecord.FirstRunOperation ? "the run, after its plan" : "device, plan and run";
            return (string[])[r.Workload, what, Format.Spread(r), Format.Number(warm), Format.Times(r.MedianMs / warm)];
        })]);

    /// <summary>Every record that is a measurement.</summary>
    public static Table All(ReportDocument report) => new("All measurements",
        ["workload", "type", "threads", "implementation", "ms (p20 .. p80)", "GFLOP/s", "GB/s", "% of ceiling", "error/bound"],
        [.. report.Groups.SelectMany(g => g.Records).Select(r => (string[])
        [
            r.Workload, r.Dtype, Format.Count(r.Threads), r.Implementation, Format.Spread(r), Format.Number(r.Gflops),
            Format.Number(r.Gbps), Format.Percent(r.PercentOfCeiling), Format.Number(r.ErrorOverBound),
        ])]);
}
