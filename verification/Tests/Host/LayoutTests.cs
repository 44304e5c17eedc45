using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace AttnKernels.Tests.Host;

/// <summary>Dependencies point one way, and device code stays device code.</summary>
public sealed partial class LayoutTests
{
    /// <summary>What each project may reference; the simulator stands in for ILGPU below the kernels.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["AttnKernels.Simd"] = [],
        ["AttnKernels.Simulator"] = [],
        ["AttnKernels.Kernels"] = ["AttnKernels.Simd", "AttnKernels.Simulator"],
        ["AttnKernels"] = ["AttnKernels.Kernels", "AttnKernels.Simd"],
        ["AttnKernels.Verification"] = ["AttnKernels"],
        ["AttnKernels.Bench"] = ["AttnKernels.Verification"],
        ["AttnKernels.Cli"] = ["AttnKernels.Verification"],
        ["AttnKernels.Tests"] = ["AttnKernels.Verification", "AttnKernels.Bench", "AttnKernels.Cli", "CustomScore"],
        ["CustomScore"] = ["AttnKernels"],
        ["IlgpuProbe"] = [],
    };

    [Fact]
    public void ProjectsReferenceOnlyWhatLiesBelowThem()
    {
        string[] projects = [.. Directory.EnumerateFiles(Root(), "*.csproj", SearchOption.AllDirectories)
            .Where(path =>
                !path.Contains($"{Path.DirectorySeparatorChar}artifacts{Path.DirectorySeparatorChar}", StringComparison.Ordinal))];
        projects.Select(Path.GetFileNameWithoutExtension).Should().BeEquivalentTo(Allowed.Keys);
        foreach (string project in projects)
        {
            string name = Path.GetFileNameWithoutExtension(project);
            IEnumerable<string> references = XDocument.Load(project).Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
            references.Should().BeSubsetOf(Allowed[name], $"of {name}");
        }
    }

    [Fact]
    public void DeviceCodeKnowsNoExceptionNoStringAndNoAccelerator()
    {
        string kernels = Path.Combine(Root(), "kernels");
        foreach (string folder in new[] { "Policies", "Primitives", "Matmul", "Softmax", "Attention" })
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(kernels, folder), "*.cs", SearchOption.AllDirectories))
            {
                string code = CommentPattern().Replace(File.ReadAllText(file), "");
                ForbiddenPattern().Match(code).Value.Should().BeEmpty($"{file} is device code");
            }
        }
    }

    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", ".."));

    [GeneratedRegex("//.*")]
    private static partial Regex CommentPattern();

    [GeneratedRegex(@"\b(throw|try|catch|string|Accelerator|Context|Console|new \w+\[)\b|\$?""")]
    private static partial Regex ForbiddenPattern();
}
