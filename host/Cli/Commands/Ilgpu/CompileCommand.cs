using System.CommandLine;
using AttnKernels.Devices.Ilgpu;
using AttnKernels.Kernels;

namespace AttnKernels.Cli.Commands;

/// <summary><c>attn compile</c>: all kernels as PTX, in the archive that the library looks for beside itself. Needs no GPU.</summary>
internal static class CompileCommand
{
    public static Command Create()
    {
        Option<FileInfo> output = new("--out", "-o")
        {
            Description = "The archive. Default: beside this program's library, where it is used.",
        };
        Command command = new(
            "compile",
            "Compiles every kernel to PTX, into an archive that spares GPUs of compute capability 8.0 and newer ILGPU's part of a first "
            + "start. No GPU needed.")
        {
            output,
        };
        command.SetAction((parsed, cancel) => Task.Run(() => Run(parsed.GetValue(output), cancel), cancel));
        return command;
    }

    private static int Run(FileInfo? output, CancellationToken cancel)
    {
        Report.Banner();
        string path = output?.FullName ?? KernelArchive.DefaultPath;
        if (Path.GetDirectoryName(path) is { Length: > 0 } folder) Directory.CreateDirectory(folder);
        using (ProgressLine line = new("PTX", KernelCatalog.All.Count))
        {
            new KernelArchive(path).Write(KernelCatalog.All, entry => line.Step(entry.Name), cancel);
        }
        Console.WriteLine($"{KernelCatalog.All.Count} kernels, {new FileInfo(path).Length / 1e6:0.0} MB: {path}");
        return Report.Success;
    }
}
