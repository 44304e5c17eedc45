using System.Globalization;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Report;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// Progress on the terminal, written by the measuring thread between measurements: a spinner with a thread of its own would take a core
/// from what is measured.
/// </summary>
internal sealed class Announcer(TextWriter output, bool interactive)
{
    private const string ClearLine = "\r\u001b[K";

    /// <summary>What is going on now; overwritten by the next.</summary>
    public void Status(string text)
    {
        if (interactive) output.Write($"{ClearLine}{text}");
    }

    /// <summary>A line that stays.</summary>
    public void Line(string text) => output.WriteLine(interactive ? ClearLine + text : text);

    /// <summary>A workload's outcome in one line.</summary>
    public void Result(string position, Match match, Ceiling ceiling)
    {
        IEnumerable<string> times = match.Measurements.Select(m => string.Create(CultureInfo.InvariantCulture,
            $"{m.Label} {m.Times.Median:0.###} ms ({m.PercentOf(ceiling):0} %)"));
        Line($"{position}: {string.Join(", ", times)}");
        if (match.Plan.Length > 0) Line($"    {match.Plan}");
        foreach (Omission omission in match.Omissions.Where(o => o.IsFailure || o.Implementation == BenchRecord.Ours))
            Line($"    {omission.Implementation}: {omission.Reason}");
    }
}
