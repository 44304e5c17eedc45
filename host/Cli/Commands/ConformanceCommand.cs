using System.CommandLine;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn conformance DIR</c>: ONNX backend node tests.</summary>
internal static class ConformanceCommand
{
    public static Command Create()
    {
        Argument<DirectoryInfo> directory = new("DIR") { Description = "Folder whose folders hold model.onnx and test_data_set_0/*.pb." };
        Option<string> deviceName = new("--device", "-d") { Description = "A device of 'attn devices'. Default: the best." };
        Option<string> filter = new("--filter", "-f") { Description = "Only tests whose name contains this." };
        Option<bool> verbose = new("--verbose", "-v") { Description = "A line for each test that passes, too." };
        Command command = new("conformance", "Runs ONNX backend node tests (rtol 1e-3, atol 1e-7, exact shape and type).")
        {
            directory, deviceName, filter, verbose,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => Run(
            parsed.GetRequiredValue(directory), parsed.GetValue(deviceName), parsed.GetValue(filter), parsed.GetValue(verbose), cancel),
            cancel));
        return command;
    }

    private static int Run(DirectoryInfo directory, string? deviceName, string? filter, bool verbose, CancellationToken cancel)
    {
        Report.Banner();
        if (!directory.Exists)
        {
            Console.Error.WriteLine($"There is no directory {directory.FullName}.");
            return Report.Usage;
        }
        string[] folders = [.. ConformanceSuite.Find(directory.FullName)
            .Where(f => filter is null || Path.GetFileName(f).Contains(filter, StringComparison.OrdinalIgnoreCase))];
        if (folders.Length == 0)
        {
            Console.Error.WriteLine(
                $"No folder below {directory.FullName} holds a model.onnx{(filter is null ? "" : $" and is named like \"{filter}\"")}.");
            return Report.Usage;
        }
        if (deviceName is not null && Report.Devices([deviceName]) is null) return Report.Usage;

        using AttentionDevice device = CheckedDevices.Open(deviceName);
        List<ConformanceResult> results = [];
        using (ProgressLine line = new(device.Name, folders.Length))
            foreach (string folder in folders)
            {
                cancel.ThrowIfCancellationRequested();
                results.Add(ConformanceSuite.Run(device, folder));
                line.Step(results[^1].Name);
            }

        foreach (ConformanceResult result in results.Where(r => verbose || r.Outcome != Outcome.Passed))
            Console.WriteLine($"{result.Outcome.ToString().ToUpperInvariant(),-11} {result.Name}: {result.Detail}");
        Table table = Report.Table("operator", "device", "passed", "failed", "unsupported", "worst error/tolerance");
        foreach (var group in results.GroupBy(r => r.Operator))
            table.AddRow(
                Markup.Escape(group.Key),
                device.Name,
                $"{group.Count(r => r.Outcome == Outcome.Passed)}",
                $"{group.Count(r => r.Outcome == Outcome.Failed)}",
                $"{group.Count(r => r.Outcome == Outcome.Unsupported)}",
                Report.Ratio(group.Max(r => r.Worst)));
        Report.Write(table);
        return Report.Finish([.. results.Select(r => r.Outcome)]);
    }
}
