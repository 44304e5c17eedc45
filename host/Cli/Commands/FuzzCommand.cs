using System.CommandLine;
using System.Diagnostics;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn fuzz</c>: random problems against the reference; failures are shrunk and can be replayed.</summary>
internal static class FuzzCommand
{
    private const double DefaultSeconds = 30;
    private const int ShownReasons = 5;

    public static Command Create()
    {
        Option<string> deviceName = new("--device", "-d") { Description = "A device of 'attn devices'. Default: the best." };
        Option<double?> seconds = new("--seconds", "-s")
        {
            Description = $"How long; shrinking comes on top. Default: {DefaultSeconds}, or no limit with --count.",
        };
        Option<long?> count = new("--count", "-n") { Description = "At most so many problems." };
        Option<ulong?> seed = new("--seed") { Description = "Gives the same problems again. Default: a new one." };
        Option<CaseSize?> size = new("--size") { Description = "How large problems may be. Default: what the device can take." };
        Option<string> operation = new("--operation", "-o")
        {
            Description = $"Only this one: {string.Join(", ", FuzzGenerator.Operations)}.",
        };
        Option<string> replay = new("--replay")
        {
            Description = "Runs one problem, as printed for a failure: \"attention seqKv=41 causal=TopLeft\".",
        };
        seconds.Validators.Add(result =>
        {
            // Of what TimeSpan holds, the first number that no run lasts.
            if (result.GetValueOrDefault<double?>() is { } time && !(time > 0 && time <= TimeSpan.MaxValue.TotalSeconds / 2))
                result.AddError($"--seconds must be above 0 and at most {TimeSpan.MaxValue.TotalSeconds / 2:0}, is {time}.");
        });
        count.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<long?>() is < 1 and var problems) result.AddError($"--count must be at least 1, is {problems}.");
        });
        operation.AcceptOnlyFromAmong([.. FuzzGenerator.Operations]);
        Command command = new("fuzz", "Checks random problems of every kind against the reference; shrinks what fails to a small problem.")
        {
            deviceName, seconds, count, seed, size, operation, replay,
        };
        command.SetAction((parsed, cancel) => Task.Run(() =>
        {
            Report.Banner();
            if (parsed.GetValue(deviceName) is { } name && Report.Devices([name]) is null) return Report.Usage;
            if (parsed.GetValue(replay) is { } text) return Replay(parsed.GetValue(deviceName), text);
            double? limit = parsed.GetValue(seconds) ?? (parsed.GetValue(count) is null ? DefaultSeconds : null);
            FuzzOptions options = new()
            {
                Seed = parsed.GetValue(seed) ?? (ulong)Random.Shared.Next(),
                Time = limit is { } time ? TimeSpan.FromSeconds(time) : null,
                Count = parsed.GetValue(count),
                Operation = parsed.GetValue(operation),
            };
            return Run(parsed.GetValue(deviceName), options, parsed.GetValue(size), cancel);
        }, cancel));
        return command;
    }

    private static int Run(string? deviceName, FuzzOptions options, CaseSize? size, CancellationToken cancel)
    {
        using AttentionDevice device = CheckedDevices.Open(deviceName);
        options = options with { Size = size ?? Verifier.SizeFor(device.Info) };
        Console.WriteLine($"Fuzzing {device.Name} with --seed {options.Seed} --size {options.Size}");
        FuzzReport report;
        Stopwatch watch = Stopwatch.StartNew();
        using (ProgressLine line = new(device.Name, null))
        {
            Steps<CaseResult> steps = new(result => line.Step($"{Report.Seconds(watch.Elapsed.TotalSeconds)}  {result.Case.Name}"));
            report = Fuzzer.Run(device, options, steps, cancel);
        }

        Table table = Report.Table("operation", "kernel", "problems", "failed", "unsup.", "unproven", "error/bound", "error/plain");
        foreach (FuzzTally tally in report.Tallies.OrderBy(t => $"{t.Operation} {t.Kernel}", StringComparer.Ordinal))
            table.AddRow(
                tally.Operation,
                Markup.Escape(tally.Kernel.Length == 0 ? "-" : tally.Kernel),
                $"{tally.Passed + tally.Failed + tally.Unsupported}",
                $"{tally.Failed}",
                $"{tally.Unsupported}",
                $"{tally.Unproven}",
                Report.Ratio(tally.Worst),
                Report.Ratio(tally.AgainstPlain));
        Report.Write(table);

        foreach ((string reason, int times) in report.Unsupported.OrderByDescending(r => r.Value).Take(ShownReasons))
            Console.WriteLine($"UNSUPPORTED {times} problems: {reason}");
        if (report.Unsupported.Count > ShownReasons) Console.WriteLine($"... and {report.Unsupported.Count - ShownReasons} more reasons");
        if (report.Tallies.Any(t => t.Unproven > 0))
            Console.WriteLine("Unproven: passed, but all elements of some result are smaller than their bounds.");
        if (report.Tallies.MaxBy(t => t.AgainstPlain) is { AgainstPlain: > 1 } furthest)
            Console.WriteLine($"Furthest from plain, {Report.Ratio(furthest.AgainstPlain)} x twice its error: {furthest.AgainstPlainAt}");
        foreach (FuzzFailure failure in report.Failures)
        {
            Console.WriteLine($"FAILED problem {failure.Index}: {failure.Found}");
            Console.WriteLine($"  shrunk: {failure.Shrunk}\n    {failure.Result.Detail}");
            Console.WriteLine($"  replay: attn fuzz --device {device.Name} --replay \"{failure.Shrunk}\"");
        }
        if (report.Tallies.Count == 0)
        {
            Console.Error.WriteLine("No problem was run: the time was over, or the run was cancelled, before the first one.");
            return Report.Usage;
        }
        if (report.Failures.Count >= options.MaxFailures) Console.WriteLine($"Ended after {options.MaxFailures} failures.");
        return Report.Finish(
            report.Tallies.Sum(t => t.Passed), report.Tallies.Sum(t => t.Failed), report.Tallies.Sum(t => t.Unsupported));
    }

    private static int Replay(string? deviceName, string text)
    {
        FuzzProblem problem;
        try
        {
            problem = FuzzProblem.Parse(text);
        }
        catch (ArgumentException e)
        {
            Console.Error.WriteLine(e.Message);
            return Report.Usage;
        }
        using AttentionDevice device = CheckedDevices.Open(deviceName);
        CaseResult result = problem.Case.Run(device);
        Console.WriteLine($"{result.Outcome.ToString().ToUpperInvariant()} {result.Kernel}: {problem}\n    {result.Detail}");
        return Report.Finish([result.Outcome]);
    }
}
