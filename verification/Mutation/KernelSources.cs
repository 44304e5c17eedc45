using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

namespace AttnKernels.Verification;

/// <summary>Compiles one assembly of kernels from the sources of a repository, as they are or with one of its files replaced.</summary>
internal sealed class KernelSources
{
    /// <summary>The name of the assembly of the CPU kernels.</summary>
    public const string Simd = "AttnKernels.Simd";

    /// <summary>The name of the assembly of the device kernels.</summary>
    public const string Kernels = "AttnKernels.Kernels";

    // Preview: the newest language that this compiler knows, since the project's own may be newer than its last finished one.
    private static readonly CSharpParseOptions ParseOptions = new(LanguageVersion.Preview, preprocessorSymbols: ["KERNEL_API_SIMULATOR"]);

    private readonly string root;
    private readonly CSharpCompilation compilation;

    /// <param name="root">The repository's root.</param>
    /// <param name="assembly">One of the names above.</param>
    /// <exception cref="DirectoryNotFoundException">The sources are not there.</exception>
    public KernelSources(string root, string assembly)
    {
        this.root = root;
        compilation = CSharpCompilation.Create(
            assembly,
            Files(root, assembly).Select(path => Parse(path, File.ReadAllText(path))).Append(Parse("Properties.cs", Properties())),
            References(assembly),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                optimizationLevel: OptimizationLevel.Release,
                allowUnsafe: true,
                nullableContextOptions: NullableContextOptions.Enable));
    }

    /// <summary>The nearest folder from <paramref name="start"/> upwards that holds the project's kernels; null if there is none.</summary>
    public static string? FindRoot(string start)
    {
        for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
        {
            bool hasSolution = File.Exists(Path.Combine(folder.FullName, "AttnKernels.sln"));
            if (hasSolution && Directory.Exists(Path.Combine(folder.FullName, "kernels", "Simd"))) return folder.FullName;
        }
        return null;
    }

    /// <summary>The assembly and its symbols, with <paramref name="mutant"/> applied unless it is null.</summary>
    /// <exception cref="InvalidOperationException">The mutant is stale or does not compile.</exception>
    public (MemoryStream Assembly, MemoryStream Symbols) Compile(Mutant? mutant)
    {
        CSharpCompilation mutated = compilation;
        if (mutant is not null)
        {
            string path = Path.Combine(root, mutant.File.Replace('/', Path.DirectorySeparatorChar));
            SyntaxTree tree = compilation.SyntaxTrees.FirstOrDefault(t => t.FilePath == path)
                ?? throw new InvalidOperationException($"stale mutant: {mutant.File} is no source of {compilation.AssemblyName}");
            mutated = compilation.ReplaceSyntaxTree(tree, Parse(path, mutant.Apply(tree.ToString())));
        }
        MemoryStream assembly = new(), symbols = new();
        EmitOptions options = new(debugInformationFormat: DebugInformationFormat.PortablePdb);
        EmitResult result = mutated.Emit(assembly, symbols, options: options);
        if (!result.Success)
        {
            Diagnostic error = result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error);
            throw new InvalidOperationException("does not compile: " + error);
        }
        assembly.Position = symbols.Position = 0;
        return (assembly, symbols);
    }

    /// <summary>What the project file compiles.</summary>
    private static IEnumerable<string> Files(string root, string assembly)
    {
        string kernels = Path.Combine(root, "kernels");
        string[] folders = assembly == Simd ? ["Simd"] : ["Intrinsics", "Policies", "Primitives", "Matmul", "Softmax", "Attention"];
        return folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(kernels, folder), "*.cs", SearchOption.AllDirectories));
    }

    private static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text, System.Text.Encoding.UTF8), ParseOptions, path);

    /// <summary>What the build generates from the project file: implicit usings, version, friends.</summary>
    private static string Properties()
    {
        string version = typeof(Mutant).Assembly.GetName().Version!.ToString();
        string[] usings = ["System", "System.IO", "System.Linq", "System.Collections.Generic", "System.Threading",
            "System.Threading.Tasks"];
        string[] friends = ["AttnKernels", "AttnKernels.Verification", "AttnKernels.Tests", "AttnKernels.Bench"];
        return string.Concat(usings.Select(name => $"global using {name};\n"))
            + $"[assembly: System.Reflection.AssemblyVersion(\"{version}\")]\n"
            + string.Concat(friends.Select(name => $"[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"{name}\")]\n"));
    }

    /// <summary>What this process runs on, without the assembly that is to be compiled and those above it.</summary>
    private static IEnumerable<MetadataReference> References(string assembly)
    {
        string[] below = assembly == Simd ? [] : [Simd, "AttnKernels.Simulator"];
        string paths = (string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!;
        return paths.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(path => Path.GetFileNameWithoutExtension(path) is var name
                && (name.StartsWith("System", StringComparison.Ordinal) || below.Contains(name)))
            .Select(path => MetadataReference.CreateFromFile(path));
    }
}
