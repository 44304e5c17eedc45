using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AttnKernels.Kernels;

namespace AttnKernels.Tests.Host;

/// <summary>The README's code compiles, since it is this project's, and does what it says; its links lead somewhere.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void CodeIsTheExamples()
    {
        string readme = CodeBlockPattern().Match(File.ReadAllText(Path.Combine(Root(), "README.md"))).Groups[1].Value;
        string[] source = File.ReadAllLines(Path.Combine(Root(), "verification", "Tests", "Host", "ReadmeExample.cs"));
        int first = Array.FindIndex(source, line => line.Contains("// README starts", StringComparison.Ordinal)) + 1;
        int end = Array.FindIndex(source, line => line.Contains("// README ends", StringComparison.Ordinal));
        string indent = new(' ', 8);
        string example = string.Join('\n',
            source[first..end].Select(line => line.StartsWith(indent, StringComparison.Ordinal) ? line[8..] : line));
        readme.Trim().Should().Be(example.Trim());
    }

    [Fact]
    public void CodeDoesCausalAttention()
    {
        // All keys alike: the weights are equal, so a row's output is the mean of the values it sees, here the mean of 0 .. i + 32.
        float[] queries = [.. Enumerable.Repeat(0.5f, 32 * 16 * 64)];
        float[] keys = [.. Enumerable.Repeat(0.25f, 8 * 48 * 64)];
        float[] values = [.. Enumerable.Range(0, 8 * 48 * 64).Select(n => (float)(n / 64 % 48))];

        float[] output = ReadmeExample.Run(queries, keys, values);

        for (int n = 0; n < output.Length; n++) output[n].Should().BeApproximately(((n / 64 % 16) + 32) / 2f, 1e-4f);
    }

    [Fact]
    public void LinksLeadSomewhere()
    {
        foreach (string page in new[] { "README.md", "kernels/README.md" })
        {
            string folder = Path.GetDirectoryName(Path.Combine(Root(), page))!;
            foreach (Match link in LinkPattern().Matches(File.ReadAllText(Path.Combine(Root(), page))))
            {
                string target = link.Groups[1].Value;
                if (!target.StartsWith("http", StringComparison.Ordinal)) Path.Exists(Path.Combine(folder, target)).Should()
                    .BeTrue($"{page} links to {target}");
            }
        }
    }

    [Fact]
    public void TheStaticTableListsEveryKernel()
    {
        IEnumerable<string> kernels = File.ReadLines(Path.Combine(Root(), "bench", "results", "ptx-static.md"))
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).Select(line => line.Split('|')[1].Trim());
        kernels.Should().Equal(KernelCatalog.All.Select(entry => entry.Name), "attn codegen --out bench/results/ptx-static.md writes it");
    }

    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlockPattern();

    [GeneratedRegex(@"\]\(([^)#]+)\)")]
    private static partial Regex LinkPattern();
}
