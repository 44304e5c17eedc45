using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace AttnKernels.Bench.Host;

/// <summary>
/// Host-side times with BenchmarkDotNet: what planning and calling cost apart from the kernels, and that a run allocates nothing.
/// </summary>
internal static class HostRun
{
    /// <summary>Runs all host benchmarks; 1 if one failed or a run allocates.</summary>
    public static int Run(string root)
    {
        // In process: the benchmarks run on the runtime that is here, which may be newer than BenchmarkDotNet's list of them.
        ManualConfig config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddDiagnoser(MemoryDiagnoser.Default)
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(ConsoleLogger.Default)
            .AddExporter(MarkdownExporter.GitHub)
            .WithArtifactsPath(Path.Combine(root, "artifacts", "bench", "host"));
        Summary summary = BenchmarkRunner.Run<HostBenchmarks>(config);
        if (summary.HasCriticalValidationErrors || summary.Reports.Any(r => !r.Success)) return 1;

        string[] allocating = [.. summary.Reports
            .Where(r => r.BenchmarkCase.Descriptor.WorkloadMethod.Name.StartsWith(HostBenchmarks.RunPrefix, StringComparison.Ordinal))
            .Where(r => r.GcStats.GetBytesAllocatedPerOperation(r.BenchmarkCase) is > 0)
            .Select(r => r.BenchmarkCase.DisplayInfo)];
        foreach (string run in allocating) Console.WriteLine($"FAILED: {run} allocates");
        return allocating.Length == 0 ? 0 : 1;
    }
}
