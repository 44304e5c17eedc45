using System.CommandLine;
using AttnKernels.Cli.Features;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn features</c>: which forms are built, for which devices and types.</summary>
internal static class FeaturesCommand
{
    public static Command Create()
    {
        Option<FileInfo> readme = new("--readme")
        {
            Description = "Writes the tables between the markers of this file, not to the console.",
        };
        Command command = new("features", "Lists every form with its devices and types, found by making its plan.") { readme };
        command.SetAction(parsed => Run(parsed.GetValue(readme)));
        return command;
    }

    private static int Run(FileInfo? readme)
    {
        string tables = FeatureTable.Render();
        if (readme is null)
        {
            Console.Write(tables);
            return Report.Success;
        }
        return Report.Try(() =>
        {
            File.WriteAllText(readme.FullName, FeatureTable.Refresh(File.ReadAllText(readme.FullName), tables));
            return Report.Success;
        });
    }
}
