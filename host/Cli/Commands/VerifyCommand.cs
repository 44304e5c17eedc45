using System.CommandLine;
using System.Diagnostics;
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
        Option<CaseSet> set = new("--set")
        {
            Description = "Pairs: attention with every pair of values of its attributes, at lengths to 1,025. Full: both. Default: Standard.",
        };
        Option<bool> list = new("--list") { Description = "Lists the cases instead of running them." };
        Command command = new("verify", "Checks every kernel against a reference in double, with a derived bound for every element.")
        {
            devices, filter, size, set, list,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => parsed.GetValue(list)
            ? List(parsed.GetValue(filter), parsed.GetValue(size))
            : Run(parsed.GetValue(devices), parsed.GetValue(filter), parsed.GetValue(size), parsed.GetValue(set), cancel), cancel));
        return command;
    }

    private static int List(string? filter, CaseSize? size)
    {
        foreach (VerificationCase c in Verifier.Select(filter, size ?? CaseSize.Normal))
            Console.WriteLine($"{c.Size,-6} {c.Title}");
        return Report.Success;
    }

    private static int Run(string[]? names, string? filter, CaseSize? size, CaseSet set, CancellationToken cancel)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Report.Banner();
        if (Report.Devices(names) is not { } devices) return Report.Usage;
        List<(string Device, CaseResult Result)> results = [];
        foreach (string name in devices)
        {
            using AttentionDevice device = AttentionDevice.Open(name);
            int total = Verifier.For(device.Info, filter, size, set).Count();
            using ProgressLine line = new(name, total);
            Steps<CaseResult> steps = new(result => line.Step(result.Case.Title));
            results.AddRange(Verifier.Run(device, filter, steps, size, set, cancel).Results.Select(r => (name, r)));
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

        if (results.Where(r => r.Result.Outcome == Outcome.Passed).OrderByDescending(r => r.Result.Worst).FirstOrDefault()
            is { Result: { } worst } at)
            Console.WriteLine($"Nearest to its bound: {worst.Case.Title} on {at.Device}: {worst.Detail}");
        (string Device, CaseResult Result)[] failures = [.. results.Where(r => r.Result.Outcome == Outcome.Failed)];
        foreach ((string device, CaseResult result) in failures.Take(ShownFailures))
        {
            Console.WriteLine($"FAILED on {device}: {result.Case.Title}\n    {result.Detail}");
            // Made of choices, which the fuzzer reads back.
            if (result.Case.DataSeed is not null) Console.WriteLine($"    replay: attn fuzz --device {device} --replay \"{result.Case.Name}\"");
        }
        if (failures.Length > ShownFailures) Console.WriteLine(
            $"... and {failures.Length - ShownFailures} more failures; narrow them down with --filter");
        foreach (var reason in results.Where(r => r.Result.Outcome == Outcome.Unsupported).GroupBy(r => (r.Device, r.Result.Detail)))
            Console.WriteLine($"UNSUPPORTED on {reason.Key.Device}: {reason.Count()} cases: {reason.Key.Detail}");
        Console.WriteLine($"{results.Count} cases in {Report.Seconds(watch.Elapsed.TotalSeconds)}");
        return Report.Finish([.. results.Select(r => r.Result.Outcome)]);
    }
}
