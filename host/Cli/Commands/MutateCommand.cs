using System.CommandLine;
using System.Diagnostics;
using AttnKernels.Verification;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn mutate</c>: whether the case set sees faults that are put into the kernels on purpose.</summary>
internal static class MutateCommand
{
    public static Command Create()
    {
        Option<string> filter = new("--filter", "-f")
        {
            Description = "Only mutants whose name or file contains this; alternatives apart by commas.",
        };
        Option<bool> list = new("--list") { Description = "Lists the mutants instead of running them." };
        Command command = new(
            "mutate",
            "Puts faults into the kernels, one at a time and in memory, and counts how many the case set sees. Needs the repository.")
        {
            filter, list,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => Run(parsed.GetValue(filter) ?? "", parsed.GetValue(list), cancel), cancel));
        return command;
    }

#if KERNEL_API_SIMULATOR
    private static int Run(string filter, bool list, CancellationToken cancel)
    {
        string[] parts = filter.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Mutant[] mutants = [.. MutationScore.Mutants.Where(m => parts.Length == 0
            || parts.Any(part => $"{m.Name} {m.File}".Contains(part, StringComparison.OrdinalIgnoreCase)))];
        if (mutants.Length == 0)
        {
            Console.Error.WriteLine($"No mutant is named like \"{filter}\". 'attn mutate --list' lists them.");
            return Report.Usage;
        }
        if (list)
        {
            foreach (Mutant mutant in mutants) Console.WriteLine($"{mutant.Name,-40} {mutant.File}: {mutant.What}");
            return Report.Success;
        }
        Report.Banner();
        if (MutationScore.FindRoot(Environment.CurrentDirectory) is not { } root)
        {
            Console.Error.WriteLine(
                "The mutants are compiled from the sources: run this in the project's repository (AttnKernels.sln, kernels/).");
            return Report.Usage;
        }
        return Judge(new MutationScore(root), mutants, cancel);
    }

    private static int Judge(MutationScore score, Mutant[] mutants, CancellationToken cancel)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int killed = 0;
        foreach (Mutant mutant in mutants)
        {
            cancel.ThrowIfCancellationRequested();
            MutantResult result = score.Run(mutant, cancel: cancel);
            Console.WriteLine($"{result.Verdict.ToString().ToUpperInvariant(),-8} {mutant.Name}  {mutant.File}: {mutant.What}");
            string by = result.Case.Length == 0 ? "" : $"by {result.Case}: ";
            Console.WriteLine($"         {by}{result.Detail.ReplaceLineEndings(" ")}");
            if (result.Verdict == Verdict.Killed) killed++;
        }
        Console.WriteLine($"{killed}/{mutants.Length} killed in {Report.Seconds(watch.Elapsed.TotalSeconds)}");
        return killed == mutants.Length ? Report.Success : Report.Failure;
    }
#else
    private static int Run(string filter, bool list, CancellationToken cancel)
    {
        Report.Banner();
        Console.Error.WriteLine("Mutants are judged on the simulator, which is in builds with -p:KernelApi=Simulator only.");
        return Report.Usage;
    }
#endif
}
