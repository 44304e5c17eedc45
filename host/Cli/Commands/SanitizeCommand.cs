using System.CommandLine;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn sanitize</c>: every kernel on the simulator.</summary>
internal static class SanitizeCommand
{
    public static Command Create()
    {
        Option<string> filter = new("--filter", "-f") { Description = "Only cases with all of these words, see 'attn verify'." };
        Command command = new("sanitize", "Runs every kernel on the simulator: findings, memory traffic, bank conflicts, barriers.")
        {
            filter,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => Run(parsed.GetValue(filter), cancel), cancel));
        return command;
    }

#if KERNEL_API_SIMULATOR
    private static int Run(string? filter, CancellationToken cancel)
    {
        Report.Banner();
        int total = Sanitizer.Cases(filter).Count;
        if (total == 0)
        {
            Console.Error.WriteLine($"No case matches \"{filter}\". 'attn verify --list' lists them.");
            return Report.Usage;
        }
        (IReadOnlyList<KernelFindings> Kernels, VerificationReport Report) result;
        using (ProgressLine line = new("simulator", total))
            result = Sanitizer.Run(filter, new Steps<CaseResult>(step => line.Step(step.Case.Title)), cancel);

        Table table = Report.Table(
            "kernel", "launches", "findings", "global bytes", "sectors/request", "sectors/ideal", "bank conflicts", "barriers",
            "shared bytes");
        foreach (KernelFindings kernel in result.Kernels.Where(k => k.Launches > 0))
            table.AddRow(
                Markup.Escape(kernel.Kernel),
                $"{kernel.Launches}",
                $"{kernel.Findings.Count}",
                $"{kernel.GlobalBytes}",
                FormattableString.Invariant($"{kernel.SectorsPerRequest:0.00}"),
                FormattableString.Invariant($"{kernel.SectorExcess:0.00}"),
                FormattableString.Invariant($"{100 * kernel.BankConflicts:0.0} %"),
                $"{kernel.Barriers}",
                $"{kernel.SharedBytes}");
        Report.Write(table);

        foreach (string finding in result.Kernels.SelectMany(k => k.Findings))
            Console.WriteLine($"FINDING {finding}");
        foreach (CaseResult wrong in result.Report.Results.Where(r => r.Outcome == Outcome.Failed))
            Console.WriteLine($"FAILED {wrong.Case.Title}\n    {wrong.Detail}");
        string[] idle = [.. result.Kernels.Where(k => k.Launches == 0).Select(k => k.Kernel)];
        if (idle.Length > 0 && filter is null) Console.WriteLine($"Not launched: {string.Join("; ", idle)}");
        int findings = result.Kernels.Sum(k => k.Findings.Count);
        Console.WriteLine($"{result.Kernels.Count - idle.Length} of {result.Kernels.Count} kernels launched, {findings} findings");
        int code = Report.Finish([.. result.Report.Results.Select(r => r.Outcome)]);
        return findings > 0 ? Report.Failure : code;
    }
#else
    private static int Run(string? filter, CancellationToken cancel)
    {
        Report.Banner();
        Console.Error.WriteLine("The simulator is in builds with -p:KernelApi=Simulator only.");
        return Report.Usage;
    }
#endif
}
