using System.Diagnostics;

namespace AttnKernels.Cli.Commands;

/// <summary>Progress on standard error: a line that rewrites itself on a terminal, a line every ten seconds elsewhere.</summary>
/// <param name="what">What runs.</param>
/// <param name="total">How many steps there will be; null where nobody knows.</param>
internal sealed class ProgressLine(string what, int? total) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(Console.IsErrorRedirected ? 10 : 0.1);

    private readonly Stopwatch sinceLast = Stopwatch.StartNew();
    private int done;

    /// <summary>One more is done; <paramref name="current"/> names it.</summary>
    public void Step(string current)
    {
        done++;
        if (sinceLast.Elapsed < Pause) return;
        sinceLast.Restart();
        string text = $"{what}: {done}{(total is { } count ? $"/{count}" : "")}  {current}";
        if (Console.IsErrorRedirected)
            Console.Error.WriteLine(text);
        else
            Console.Error.Write("\r" + Fit(text));
    }

    /// <summary>Clears the line.</summary>
    public void Dispose()
    {
        if (!Console.IsErrorRedirected) Console.Error.Write("\r" + Fit("") + "\r");
    }

    private static string Fit(string text)
    {
        int width = Math.Max(20, Console.WindowWidth - 1);
        return text.Length > width ? text[..width] : text.PadRight(width);
    }
}
