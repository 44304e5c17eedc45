using System.Diagnostics;
using System.Text.RegularExpressions;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>What NVIDIA's assembler says of one kernel: the facts that decide its speed before any GPU has run it.</summary>
internal sealed record PtxasReport(
    int Registers, int StackBytes, int SpillStores, int SpillLoads, int SharedBytes, IReadOnlyDictionary<string, int> Instructions,
    IReadOnlyList<MachineLoop> Loops)
{
    /// <summary>How often an instruction (FFMA, LDS.128, BAR, ...) stands in the machine code.</summary>
    public int Count(string instruction) => Instructions.GetValueOrDefault(instruction);
}

/// <summary>
/// NVIDIA's ptxas and cuobjdump, where they are installed: in the folder that the environment variable ATTN_PTXAS names, in
/// ~/.cache/ptxas/bin, in CUDA's own folder or on the PATH.
/// </summary>
internal sealed partial class Ptxas
{
    private readonly string folder;

    private Ptxas(string folder) => this.folder = folder;

    /// <summary>Null where the tools are not installed.</summary>
    public static Ptxas? Find()
    {
        IEnumerable<string?> folders =
        [
            Environment.GetEnvironmentVariable("ATTN_PTXAS"),
            Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "ptxas", "bin"),
            "/usr/local/cuda/bin",
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator),
        ];
        foreach (string? folder in folders)
        {
            if (string.IsNullOrEmpty(folder)) continue;
            if (File.Exists(Path.Combine(folder, "ptxas")) && File.Exists(Path.Combine(folder, "cuobjdump"))) return new Ptxas(folder);
        }
        return null;
    }

    /// <summary>Assembles PTX with one entry point for <paramref name="architecture"/> (sm_80, sm_90, ...).</summary>
    /// <param name="ptx">The module.</param>
    /// <param name="architecture">The machine to assemble for.</param>
    /// <param name="listing">Where to write the machine code (SASS); null: nowhere.</param>
    /// <exception cref="InvalidOperationException">ptxas refused the text; the message is its own.</exception>
    public PtxasReport Assemble(string ptx, string architecture, string? listing = null)
    {
        DirectoryInfo work = Directory.CreateTempSubdirectory("attn-ptxas");
        try
        {
            string source = Path.Combine(work.FullName, "kernel.ptx");
            string cubin = Path.Combine(work.FullName, "kernel.cubin");
            File.WriteAllText(source, ptx);
            string log = Run("ptxas", "-v", $"-arch={architecture}", source, "-o", cubin);
            string sass = Run("cuobjdump", "-sass", cubin);
            if (listing is not null) File.WriteAllText(listing, sass);
            return new PtxasReport(
                Number(log, RegistersPattern()), Number(log, StackPattern()), Number(log, SpillStorePattern()),
                Number(log, SpillLoadPattern()), Number(log, SharedPattern()), MachineCode.Count(sass), MachineCode.Loops(sass));
        }
        finally
        {
            work.Delete(recursive: true);
        }
    }

    private string Run(string tool, params string[] arguments)
    {
        ProcessStartInfo start = new(Path.Combine(folder, tool), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException($"{tool} did not start.");
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"{tool} failed: {error.Result}{output}");
        return output + error.Result;
    }

    private static int Number(string text, Regex pattern)
    {
        Match match = pattern.Match(text);
        return match.Success ? int.Parse(match.Groups[1].Value) : 0;
    }

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex RegistersPattern();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex StackPattern();

    [GeneratedRegex(@"(\d+) bytes spill stores")]
    private static partial Regex SpillStorePattern();

    [GeneratedRegex(@"(\d+) bytes spill loads")]
    private static partial Regex SpillLoadPattern();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex SharedPattern();
}
