using System.CommandLine;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn verify</c>: the case set against the reference in double.</summary>
internal static class VerifyCommand
{
    private const int ShownFailures = 20;

    public static Command Create()
    {
        Option<string[]> devices = new("--device", "-d")
        {
            Description = "A device of 'attn devices'; may be repeated. Default: all.", AllowMultipleArgumentsPerToken = true,
        };
        Option<string> filter = new("--filter", "-f")
        {
            Description = "Only cases with all of these words, alternatives apart by commas: \"attention float16 causal, matmul\".",
        };
        Option<CaseSize?> size = new("--size")
        {
            Description = "Tiny: only the cases for devices that interpret. Default: what the device can take.",
        };
        Option<bool> list = new("--list") { Description = "Lists the cases instead of running them." };
        Command command = new("verify", "Checks every kernel against a reference in double, with a derived bound for every element.")
        {
            devices, filter, size, list,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => parsed.GetValue(list)
            ? List(parsed.GetValue(filter), parsed.GetValue(size))
            : Run(parsed.GetValue(devices), parsed.GetValue(filter), parsed.GetValue(size), cancel), cancel));
        return command;
    }

    private static int List(string? filter, CaseSize? size)
    {
        foreach (VerificationCase c in Verifier.Select(filter, size ?? CaseSize.Normal))
            Console.WriteLine($"{c.Size,-6} {c.Title}");
        return Report.Success;
    }

    private static int Run(string[]? names, string? filter, CaseSize? size, CancellationToken cancel)
    {
        Report.Banner();
        if (Report.Devices(names) is not { } devices) return Report.Usage;
        List<(string Device, CaseResult Result)> results = [];
        foreach (string name in devices)
        {
            using AttentionDevice device = AttentionDevice.Open(name);
            int total = Verifier.For(device.Info, filter, size).Count();
            using ProgressLine line = new(name, total);
            Steps<CaseResult> steps = new(result => line.Step(result.Case.Title));
            results.AddRange(Verifier.Run(device, filter, steps, size, cancel).Results.Select(r => (name, r)));
        }
        if (results.Count == 0)
        {
            Console.Error.WriteLine($"No case matches \"{filter}\". 'attn verify --list' lists them.");
            return Report.Usage;
        }

        Table table = Report.Table("operation", "kernel", "device", "dtype", "cases", "failed", "unsup.", "error/bound", "error/plain",
            "time");
        foreach (var group in results.GroupBy(r => (r.Result.Case.Operation, r.Result.Kernel, r.Device, r.Result.Case.Type)))
        {
            table.AddRow(
                group.Key.Operation,
                Markup.Escape(group.Key.Kernel.Length == 0 ? "-" : group.Key.Kernel),
                group.Key.Device,
                group.Key.Type.ToString(),
                $"{group.Count()}",
                $"{group.Count(r => r.Result.Outcome == Outcome.Failed)}",
                $"{group.Count(r => r.Result.Outcome == Outcome.Unsupported)}",
                Report.Ratio(group.Max(r => r.Result.Worst)),
                Report.Ratio(group.Max(r => r.Result.AgainstPlain)),
                Report.Seconds(group.Sum(r => r.Result.Time.TotalSeconds)));
        }
        Report.Write(table);

        if (results.Where(r => r.Result.Outcome == Outcome.Passed).MaxBy(r => r.Result.Worst) is { Result: { } worst } at)
            Console.WriteLine($"Nearest to its bound: {worst.Case.Title} on {at.Device}: {worst.Detail}");
        (string Device, CaseResult Result)[] failures = [.. results.Where(r => r.Result.Outcome == Outcome.Failed)];
        foreach ((string device, CaseResult result) in failures.Take(ShownFailures))
            Console.WriteLine($"FAILED on {device}: {result.Case.Title}\n    {result.Detail}");
        if (failures.Length > ShownFailures) Console.WriteLine(
            $"... and {failures.Length - ShownFailures} more failures; narrow them down with --filter");
        foreach (var reason in results.Where(r => r.Result.Outcome == Outcome.Unsupported).GroupBy(r => (r.Device, r.Result.Detail)))
            Console.WriteLine($"UNSUPPORTED on {reason.Key.Device}: {reason.Count()} cases: {reason.Key.Detail}");
        return Report.Finish([.. results.Select(r => r.Result.Outcome)]);
    }
}
