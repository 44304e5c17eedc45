using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
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
            Description = "A device of 'attn devices'; may be repeated. Default: all but ptx and ptx:132.",
            AllowMultipleArgumentsPerToken = true,
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
            Description =
                "Pairs: attention with every pair of values of its attributes, at lengths to 1,025. Full: both. Default: Standard.",
        };
        Option<(int Part, int Count)> part = new("--part")
        {
            Description = "Part I/N of the cases, for N processes beside each other: 1/8 to 8/8.",
            CustomParser = Part, DefaultValueFactory = _ => (1, 1),
        };
        Option<int> skip = new("--skip") { Description = "Leaves out so many cases at the start: those before a lost device, say." };
        Option<bool> list = new("--list") { Description = "Lists the cases instead of running them." };
        Command command = new("verify", "Checks every kernel against a reference in double, with a derived bound for every element.")
        {
            devices, filter, size, set, part, skip, list,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => parsed.GetValue(list)
            ? List(parsed.GetValue(filter), parsed.GetValue(size), parsed.GetValue(part))
            : Run(parsed.GetValue(devices), parsed.GetValue(filter), parsed.GetValue(size), parsed.GetValue(set), parsed.GetValue(part),
                parsed.GetValue(skip), cancel), cancel));
        return command;
    }

    private static int List(string? filter, CaseSize? size, (int Part, int Count) part)
    {
        foreach (VerificationCase c in Verifier.Part(Verifier.Select(filter, size ?? CaseSize.Normal), part.Part, part.Count))
            Console.WriteLine($"{c.Size,-6} {c.Title}");
        return Report.Success;
    }

    /// <summary>1/8 as (1, 8).</summary>
    private static (int Part, int Count) Part(ArgumentResult result)
    {
        string text = result.Tokens[0].Value;
        string[] numbers = text.Split('/');
        if (numbers.Length == 2 && int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out int part) &&
            int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count) && part >= 1 && part <= count)
            return (part, count);
        result.AddError($"--part must be I/N with I from 1 to N, like 1/8, is {text}.");
        return default;
    }

    private static int Run(
        string[]? names, string? filter, CaseSize? size, CaseSet set, (int Part, int Count) part, int skip, CancellationToken cancel)
    {
        Stopwatch watch = Stopwatch.StartNew();
        Report.Banner();
        if (Report.Devices(names) is not { } devices) return Report.Usage;
        List<(string Device, CaseResult Result)> results = [];
        try
        {
            foreach (string name in devices)
            {
                using AttentionDevice device = CheckedDevices.Open(name);
                IReadOnlyList<VerificationCase> cases =
                    [.. Verifier.Part(Verifier.For(device.Info, filter, size, set), part.Part, part.Count).Skip(skip)];
                using ProgressLine line = new(name, cases.Count);
                VerificationReport report = Verifier.Run(device, cases, new Steps<CaseResult>(result =>
                {
                    results.Add((name, result));
                    line.Step(result.Case.Title);
                    // In a log at once, for a run that does not end.
                    if (result.Outcome == Outcome.Failed && Console.IsOutputRedirected) WriteFailure(name, result);
                }), cancel);
                // In this process a lost CUDA device stays lost.
                int ran = report.Results.Count;
                if (ran < cases.Count)
                    Console.WriteLine($"LOST {name}: {cases.Count - ran} cases did not run; go on with --skip {skip + ran}");
            }
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Console.WriteLine("STOPPED: the cases below are those that ran");
        }
        if (results.Count == 0)
        {
            Console.Error.WriteLine($"No case matches \"{filter}\" in part {part.Part}/{part.Count}. 'attn verify --list' lists them.");
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
        foreach ((string device, CaseResult result) in failures.Take(ShownFailures)) WriteFailure(device, result);
        if (failures.Length > ShownFailures) Console.WriteLine(
            $"... and {failures.Length - ShownFailures} more failures; narrow them down with --filter");
        foreach (var reason in results.Where(r => r.Result.Outcome == Outcome.Unsupported).GroupBy(r => (r.Device, r.Result.Detail)))
            Console.WriteLine($"UNSUPPORTED on {reason.Key.Device}: {reason.Count()} cases: {reason.Key.Detail}");
        Console.WriteLine($"{results.Count} cases in {Report.Seconds(watch.Elapsed.TotalSeconds)}");
        int status = Report.Finish([.. results.Select(r => r.Result.Outcome)]);
        return cancel.IsCancellationRequested ? Report.Failure : status;
    }

    private static void WriteFailure(string device, CaseResult result)
    {
        Console.WriteLine($"FAILED on {device}: {result.Case.Title}\n    {result.Detail}");
        // Made of choices, which the fuzzer reads back.
        if (result.Case.DataSeed is not null) Console.WriteLine($"    replay: attn fuzz --device {device} --replay \"{result.Case.Name}\"");
    }
}
