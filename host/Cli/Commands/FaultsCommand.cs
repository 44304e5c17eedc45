using System.CommandLine;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn faults</c>: what a device does when a kernel writes where there is no memory.</summary>
internal static class FaultsCommand
{
    public static Command Create()
    {
        Option<string> device = new("--device", "-d") { Description = "cuda:N, ptx or the simulator of 'attn devices'.", Required = true };
        Command command = new(
            "faults", "Lets a kernel write where there is no memory, and checks that it becomes an exception and what works afterwards.")
        {
            device,
        };
        command.SetAction(parsed => Run(parsed.GetRequiredValue(device)));
        return command;
    }

    private static int Run(string name)
    {
        Report.Banner();
        if (Report.Devices([name]) is null) return Report.Usage;
        return Report.Try(() =>
        {
            IReadOnlyList<FaultResult> results = FaultCheck.Run(() => CheckedDevices.Open(name));
            Table table = Report.Table("promise", name);
            foreach (FaultResult result in results)
                table.AddRow(result.Promise, Markup.Escape(result.Failure is null ? "kept" : $"BROKEN: {result.Failure}"));
            Report.Write(table);
            int broken = results.Count(result => result.Failure is not null);
            return Report.Finish(results.Count - broken, broken, 0);
        });
    }
}
