using System.CommandLine;
using System.Text;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn codegen</c>: what NVIDIA's assembler makes of every kernel, as a Markdown table. Needs no GPU.</summary>
internal static class CodegenCommand
{
    private const int RegistersPerMultiprocessor = 65536;
    private const int LanesPerMultiprocessor = 2048;
    private const int GroupsPerMultiprocessor = 32;

    private static readonly string[] Opcodes = ["FFMA", "HMMA", "LDSM", "LDGSTS", "LDS.128", "LDS", "LDG.128", "LDG", "MUFU", "BAR"];

    public static Command Create()
    {
        Option<string> architecture = new("--arch") { Description = "sm_80, sm_86, sm_90, ...", DefaultValueFactory = _ => "sm_90" };
        Option<string> filter = new("--filter", "-f") { Description = "Only kernels whose name contains this." };
        Option<FileInfo> output = new("--out", "-o") { Description = "Writes the table to this file, too." };
        Option<DirectoryInfo> keep = new("--keep") { Description = "Writes each kernel's PTX and machine code (SASS) into this folder." };
        Command command = new("codegen", "Assembles every kernel with ptxas: registers, spills, instructions. No GPU needed.")
        {
            architecture, filter, output, keep,
        };
        command.SetAction(parsed => Run(
            parsed.GetRequiredValue(architecture), parsed.GetValue(filter), parsed.GetValue(output), parsed.GetValue(keep)));
        return command;
    }

    private static int Run(string architecture, string? filter, FileInfo? output, DirectoryInfo? keep)
    {
        Report.Banner();
        if (Ptxas.Find() is not { } ptxas)
        {
            Console.Error.WriteLine("ptxas and cuobjdump are not installed (CUDA toolkit); set ATTN_PTXAS to the folder that holds them.");
            return Report.Usage;
        }
        KernelEntry[] entries =
            [.. KernelCatalog.All.Where(e => filter is null || e.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))];
        StringBuilder table = new();
        int shared = SharedPerMultiprocessor(architecture) / 1024;
        table.AppendLine(
            $"""
            {architecture}, ILGPU O2, one row an instantiation. Groups/SM: how many groups fit beside each other by registers, lanes and
            {shared} KB of shared memory. Counts are instructions in the machine code. The hot loop is the innermost one with the most FFMA,
            or on tensor cores the one with the largest share of HMMA: how many of its instructions they are.
            """);
        table.AppendLine();
        table.AppendLine(
            $"| kernel | lanes | registers | stack, spills | shared B | groups/SM | hot loop | {string.Join(" | ", Opcodes)} |");
        table.AppendLine($"|---|---:|---:|---:|---:|---:|---:|{string.Concat(Opcodes.Select(_ => "---:|"))}");

        keep?.Create();
        PtxasReport[] reports = new PtxasReport[entries.Length];
        using (ProgressLine line = new(architecture, entries.Length))
        {
            new PtxCompiler().CompileAll(
                entries,
                (n, kernel) =>
                {
                    string? kept = keep is null ? null : Path.Combine(keep.FullName, FileName(entries[n].Name));
                    if (kept is not null) File.WriteAllText(kept + ".ptx", kernel.Text);
                    reports[n] = ptxas.Assemble(kernel.Text, architecture, kept is null ? null : kept + ".sass");
                    lock (reports) line.Step(entries[n].Name);
                });
        }
        int spilled = reports.Count(report => report.StackBytes + report.SpillStores + report.SpillLoads > 0);
        for (int n = 0; n < entries.Length; n++) table.AppendLine(Row(entries[n], reports[n], SharedPerMultiprocessor(architecture)));
        Console.Write(table);
        if (output is not null) File.WriteAllText(output.FullName, $"# Static performance table\n\n{table}");
        Console.WriteLine($"{entries.Length - spilled} passed, {spilled} failed, 0 unsupported");
        return spilled == 0 ? Report.Success : Report.Failure;
    }

    private static string FileName(string kernel) => string.Concat(kernel.Select(c => char.IsLetterOrDigit(c) ? c : '-'));

    private static string Row(KernelEntry entry, PtxasReport report, int sharedPerMultiprocessor)
    {
        // Registers are given out in eights a lane.
        int registers = (report.Registers + 7) / 8 * 8;
        int byRegisters = RegistersPerMultiprocessor / (registers * entry.GroupSize);
        int byShared = entry.SharedBytes == 0 ? int.MaxValue : sharedPerMultiprocessor / entry.SharedBytes;
        int groups = Math.Min(Math.Min(byRegisters, byShared), Math.Min(GroupsPerMultiprocessor, LanesPerMultiprocessor / entry.GroupSize));
        return $"| {entry.Name} | {entry.GroupSize} | {report.Registers} | {report.StackBytes}, {report.SpillStores + report.SpillLoads} " +
            $"| {entry.SharedBytes} | {groups} | {HotLoop(report)} | {string.Join(" | ", Opcodes.Select(report.Count))} |";
    }

    /// <summary>Of products on tensor cores the densest loop, else the innermost one with the most multiply-adds.</summary>
    private static string HotLoop(PtxasReport report)
    {
        string counted = report.Count("HMMA") > 0 ? "HMMA" : "FFMA";
        MachineLoop? hot = counted == "HMMA"
            ? report.Loops.MaxBy(loop => (double)loop.Count(counted) / loop.Length)
            : report.Loops.Where(loop => loop.IsInnermost).MaxBy(loop => loop.Count(counted));
        return hot is not null && hot.Count(counted) > 0 ? $"{hot.Count(counted)} {counted} of {hot.Length}" : "-";
    }

    /// <summary>Shared memory of a multiprocessor (CUDA C++ programming guide, table of technical specifications).</summary>
    private static int SharedPerMultiprocessor(string architecture) => architecture switch
    {
        "sm_80" or "sm_87" => 164 * 1024,
        "sm_86" or "sm_89" or "sm_120" => 100 * 1024,
        "sm_90" or "sm_100" => 228 * 1024,
        _ => 64 * 1024,
    };
}
