using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Forms;
using AttnKernels.Bench.Host;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Peers;
using AttnKernels.Bench.Report;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench;

/// <summary>What run-bench.sh starts.</summary>
internal static class BenchProgram
{
    /// <summary>Does what the options say; 0 = fine, 1 = a kernel of the library failed its check or nothing was measured.</summary>
    public static int Run(BenchOptions options)
    {
        if (options.FirstCall)
        {
            FirstCall.RunHere(options.Devices[0], options.Threads);
            return 0;
        }
        if (options.QueueTime)
        {
            QueueTime.RunHere(options.Devices[0], options.Threads);
            return 0;
        }
        string root = FindRoot();
        if (options.UpdateReadme) return UpdateReadme(root);
        if (options.Host) return HostRun.Run(root);
        if (options.Forms) return FormsRun.Run(options);
        return options.List ? List(options, root) : Measure(options, root);
    }

    private static int Measure(BenchOptions options, string root)
    {
        var announcer = new Announcer(Console.Out, !Console.IsOutputRedirected);
        var peers = new PeerCatalog(options, root, announcer.Status);
        IReadOnlyList<Workload> workloads = WorkloadSelection.Of(options);
        announcer.Line($"{Machine.Current}");
        announcer.Line($"kernel API {KernelApi.Name}: {KernelApi.Reach}");
        foreach (string peer in peers.Descriptions) announcer.Line($"peer {peer}");
        foreach (string peer in peers.Absent) announcer.Line($"absent {peer}");

        string[] place = options.IsWhole(BenchCommand.AllThreads) ? ["bench", "results"] : ["artifacts", "bench"];
        string folder = options.OutFolder ?? Path.Combine([root, .. place]);
        var run = new DeviceRun(options, peers, announcer);
        var all = new List<BenchRecord>();
        bool failed = false;
        foreach (DeviceInfo device in Devices(options))
        {
            // A run that is cut short leaves what it has.
            DeviceResults results = run.Run(device, workloads, soFar => ReportFiles.Write(Report(soFar), folder));
            ReportDocument report = Report(results);
            IReadOnlyList<BenchRecord> records = report.Records;
            announcer.Status("");
            TerminalReport.Print(report);
            announcer.Line($"report: {Path.GetRelativePath(Environment.CurrentDirectory, ReportFiles.Write(report, folder))}");
            foreach (string warning in results.Warnings) announcer.Line($"warning: {warning}");
            all.AddRange(records);
            failed |= results.Omissions.Any(o => o.IsFailure && o.Implementation == BenchRecord.Ours) || !records.Any(r => r.IsOurs);
        }
        if (options.JsonFile is { } file) File.WriteAllText(file, RecordFile.ToJson(all));
        if (failed) announcer.Line("FAILED: a kernel of the library is wrong or was not measured, see above");
        return failed ? 1 : 0;

        ReportDocument Report(DeviceResults results) => new(
            results.Device, $"{Machine.Current}; {options.Threads} threads; kernel API {KernelApi.Name}", results.ToRecords(),
            peers.Descriptions, peers.Absent, results.Plans,
            [.. results.Warnings, .. results.Omissions.Select(o => $"{o.Workload}, {o.Implementation}: {o.Reason}")]);
    }

    private static IEnumerable<DeviceInfo> Devices(BenchOptions options) => options.Devices.Count > 0
        ? AttentionDevice.List().Where(d => options.Devices.Contains(d.Name))
        : AttentionDevice.List().Where(d => d.Kind == DeviceKind.Cpu || d.IsGpu);

    private static int List(BenchOptions options, string root)
    {
        Console.WriteLine($"devices (kernel API {KernelApi.Name})");
        foreach (DeviceInfo d in AttentionDevice.List()) Console.WriteLine($"  {d.Name,-24} {d.Description}");
        Console.WriteLine("workloads (* only with --full or by name, + only by name)");
        foreach (Workload w in WorkloadTable.All)
            Console.WriteLine($"  {w.Name,-24} {(w.NamedOnly ? "+" : w.FullOnly ? "*" : " ")} {w.About}");
        var peers = new PeerCatalog(options with { Peers = null }, root, _ => { });
        Console.WriteLine("peers");
        foreach (string peer in peers.Descriptions) Console.WriteLine($"  {peer}");
        foreach (string peer in peers.Absent) Console.WriteLine($"  absent: {peer}");
        return 0;
    }

    private static int UpdateReadme(string root)
    {
        string readme = Path.Combine(root, "README.md"), results = Path.Combine(root, "bench", "results");
        if (!File.Exists(readme) || !Directory.Exists(results)) return 0;
        string old = File.ReadAllText(readme);
        string refreshed = ReadmeTable.Refresh(
            old,
            Directory.EnumerateFiles(results, "*.json").Order(StringComparer.Ordinal)
                .Select(f => RecordFile.FromJson(File.ReadAllText(f))));
        if (refreshed != old) File.WriteAllText(readme, refreshed);
        Console.WriteLine(refreshed == old ? "README.md is up to date or has no markers" : "README.md refreshed");
        return 0;
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "AttnKernels.sln"))) return folder.FullName;
        return Environment.CurrentDirectory;
    }
}
