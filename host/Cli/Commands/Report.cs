using System.Globalization;
using AttnKernels.Verification;
using Spectre.Console;

namespace AttnKernels.Cli.Commands;

/// <summary>What the commands have in common: the first line, the devices they run on, numbers, the last line, the exit code.</summary>
internal static class Report
{
    /// <summary>Nothing failed.</summary>
    public const int Success = 0;

    /// <summary>Something failed.</summary>
    public const int Failure = 1;

    /// <summary>The command line asks for what there is not.</summary>
    public const int Usage = 2;

    /// <summary>Says what this build can reach.</summary>
    public static void Banner() => Console.WriteLine($"attn {Version}, kernel API {KernelApi.Name}: {KernelApi.Reach}");

    /// <summary>The devices named, or the library's that are present; null and a message where one of them is not.</summary>
    public static IReadOnlyList<string>? Devices(string[]? names)
    {
        string[] usual = [.. AttentionDevice.List().Select(d => d.Name)];
        if (names is null or { Length: 0 }) return usual;
        string[] present = [.. usual, .. CheckedDevices.Extra.Select(d => d.Name)];
        string[] absent = [.. names.Except(present)];
        if (absent.Length == 0) return names;
        Console.Error.WriteLine($"There is no device {string.Join(", ", absent)}. Present: {string.Join(", ", present)}.");
        return null;
    }

    /// <summary>A table without colours or borders that a log would garble.</summary>
    public static Table Table(params string[] columns)
    {
        Table table = new Table().Border(TableBorder.Simple);
        foreach (string column in columns)
            table.AddColumn(new TableColumn(Markup.Escape(column)) { NoWrap = true });
        return table;
    }

    /// <summary>Writes <paramref name="table"/> at its full width where the output is not a terminal.</summary>
    public static void Write(Table table)
    {
        if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = 200;
        AnsiConsole.Write(table);
    }

    /// <summary>An error / bound: 3 digits, or what it is instead of a number.</summary>
    public static string Ratio(double ratio) =>
        double.IsPositiveInfinity(ratio) ? "inf" : ratio.ToString("0.000", CultureInfo.InvariantCulture);

    /// <summary>Seconds.</summary>
    public static string Seconds(double seconds) => seconds.ToString("0.00", CultureInfo.InvariantCulture) + " s";

    /// <summary>The last line and the exit code.</summary>
    public static int Finish(IReadOnlyCollection<Outcome> outcomes) => Finish(
        outcomes.Count(o => o == Outcome.Passed), outcomes.Count(o => o == Outcome.Failed), outcomes.Count(o => o == Outcome.Unsupported));

    /// <summary>The last line and the exit code.</summary>
    public static int Finish(int passed, int failed, int unsupported)
    {
        Console.WriteLine($"{passed} passed, {failed} failed, {unsupported} unsupported");
        return failed > 0 ? Failure : Success;
    }

    /// <summary>Runs <paramref name="command"/>; what the files it was given or the device make impossible is one line and an exit
    /// code.</summary>
    public static int Try(Func<int> command)
    {
        try
        {
            return command();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or ArgumentException
            or NotSupportedException or DeviceMemoryException or DeviceFaultException)
        {
            Console.Error.WriteLine(e.Message);
            return Usage;
        }
    }

    private static string Version => typeof(AttentionDevice).Assembly.GetName().Version?.ToString(3) ?? "";
}
