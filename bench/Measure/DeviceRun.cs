using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Peers;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>Measures all chosen workloads on one device.</summary>
internal sealed class DeviceRun(BenchOptions options, PeerCatalog peers, Announcer announcer)
{
    private readonly RunSettings settings = options.Full ? RunSettings.Full : RunSettings.Quick;

    private Action<DeviceResults> report = _ => { };

    /// <summary>
    /// Runs everything, and gives what there is to <paramref name="soFar"/> after each workload; the first call of a process is measured
    /// where the workloads are not a selection.
    /// </summary>
    public DeviceResults Run(DeviceInfo info, IReadOnlyList<Workload> workloads, Action<DeviceResults> soFar)
    {
        report = soFar;
        bool isCpu = info.Kind == DeviceKind.Cpu;
        var results = new DeviceResults(isCpu ? $"{info.Name} ({Machine.Current.Processor})" : $"{info.Name} ({info.Description})");
        if (isCpu) RunCpu(info, workloads, results);
        else RunOther(info, workloads, results);
        if (options.Workloads.Count == 0)
        {
            announcer.Status("first call of a process");
            int threads = isCpu ? options.Threads : 1;
            results.AddFirstCall(FirstCall.Workload, threads, FirstCall.Measure(info.Name, threads));
        }
        return results;
    }

    private void RunCpu(DeviceInfo info, IReadOnlyList<Workload> workloads, DeviceResults results)
    {
        using var memory = new MemoryProbe(Machine.Current.LastLevelCacheBytes);
        using var allThreads = new WorkerThreads(options.Threads);
        using var oneThread = new WorkerThreads(1);
        var lanes = new List<(WorkerThreads Threads, bool Scaling)> { (allThreads, false) };
        if (options.Threads > 1) lanes.Add((oneThread, true));
        foreach ((WorkerThreads threads, bool scaling) in lanes)
        {
            List<Workload> chosen = [.. workloads.Where(w => !scaling || w.Scaling && w.Type == DType.Float32)];
            if (chosen.Count == 0) continue;
            using AttentionDevice device = AttentionDevice.Open(info.Name, new DeviceOptions { Threads = threads.Count });
            using var ours = new DeviceImplementation(device);
            // What row-wise peers do with one thread says nothing about how threads scale.
            List<IImplementation> all =
                [ours, .. peers.ForCpu(threads).Where(p => !scaling || p.Name is not ("naive" or "tensorprimitives"))];
            Hold(chosen, all, new CpuCeilings(memory, threads), results, Machine.Current.LastLevelCacheBytes);
            foreach (IImplementation peer in all.Skip(1)) peer.Dispose();
        }
    }

    private void RunOther(DeviceInfo info, IReadOnlyList<Workload> workloads, DeviceResults results)
    {
        using AttentionDevice device = AttentionDevice.Open(info.Name);
        using var ours = new DeviceImplementation(device);
        List<IImplementation> all = [ours, .. info.IsGpu ? peers.ForGpu(info) : []];
        // The caches are flushed between runs, so one copy of the inputs is enough.
        foreach (IGrouping<DType, Workload> chosen in workloads.GroupBy(w => w.Type))
        {
            bool asksForTf32 = chosen.Any(w => w.InputPrecision != InputPrecision.Ieee);
            using var ceilings = new GpuCeilings(device, all, chosen.Key, asksForTf32);
            Hold([.. chosen], all, ceilings, results, cacheBytes: 1);
        }
        foreach (IImplementation peer in all.Skip(1)) peer.Dispose();
    }

    private void Hold(
        List<Workload> workloads, List<IImplementation> implementations, ICeilings ceilings, DeviceResults results, long cacheBytes)
    {
        for (int i = 0; i < workloads.Count; i++)
        {
            string position = $"[{i + 1}/{workloads.Count}] {workloads[i].Name} {workloads[i].Type.Short()} x{ceilings.Threads}";
            ceilings.Probe();
            var match = new Match(
                workloads[i], settings, ceilings.Threads, ceilings.IsQuiet, step => announcer.Status($"{position}: {step}"));
            match.Run(implementations, cacheBytes);
            results.Add(match, ceilings);
            announcer.Result(position, match, ceilings.Current);
            report(results);
        }
    }
}
