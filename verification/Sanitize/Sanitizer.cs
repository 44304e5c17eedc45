using AttnKernels.Devices.Simulator;
using AttnKernels.Kernels;
using AttnKernels.Simulation;

namespace AttnKernels.Verification;

/// <summary>
/// Runs every kernel on the simulator over a set of shapes that reaches each of them, and gathers what it saw: findings, and how the
/// kernel uses memory. The results are checked against the reference at the same time.
/// </summary>
public static class Sanitizer
{
    /// <summary>The cases that it runs for <paramref name="filter"/>: the tiny ones and those that need the largest tiles.</summary>
    public static IReadOnlyList<VerificationCase> Cases(string? filter = null)
    {
        HashSet<VerificationCase> reached = [.. MatmulCases.LargeTiles()];
        return [.. Verifier.Select(filter, CaseSize.Normal).Where(c => c.Size == CaseSize.Tiny || reached.Contains(c))];
    }

    /// <summary>A row for every kernel of the library, also for those that no case reached (0 launches); and the results of the
    /// cases.</summary>
    /// <param name="filter">See <see cref="Verifier.Select"/>.</param>
    /// <param name="progress">Receives each result as it comes, one at a time, in the order in which the workers finish.</param>
    /// <param name="cancel">Stops between two cases.</param>
    public static (IReadOnlyList<KernelFindings> Kernels, VerificationReport Report) Run(
        string? filter = null, IProgress<CaseResult>? progress = null, CancellationToken cancel = default)
    {
        Dictionary<string, KernelFindings> kernels = [];
        foreach (KernelEntry entry in KernelCatalog.All)
            kernels.TryAdd(entry.Name, new KernelFindings(entry.Name, entry.SharedBytes));

        List<CaseResult> results = [];
        Run(new SimulatorOptions(), Cases(filter));

        // Once more what devices without tensor cores or with little shared memory run other kernels for.
        Run(SimulatorOptions.Smallest,
            Cases(filter).Where(c => c.Operation == "attention" || (c.Operation == "matmul" && c.Type != DType.Float32)));
        Run(SimulatorOptions.Smallest with { SharedMemoryPerGroup = 227 * 1024 }, WideTileCases.Tiny().Intersect(Cases(filter)));
        Run(
            new SimulatorOptions { SharedMemoryPerGroup = 48 * 1024 },
            Cases(filter).OfType<AttentionCase>().Where(c => c.Type != DType.Float32
            && Math.Max(c.Problem.HeadDim, c.Problem.HeadDimV) > 128));
        return ([.. kernels.Values], new VerificationReport("simulator", results));

        // A device runs one launch at a time, so each worker has its own.
        void Run(SimulatorOptions options, IEnumerable<VerificationCase> cases)
        {
            VerificationCase[] all = [.. cases];
            CaseResult[] ofCases = new CaseResult[all.Length];
            int next = -1;
            Parallel.For(
                0, Math.Min(Environment.ProcessorCount, all.Length), new ParallelOptions { CancellationToken = cancel }, _ =>
                {
                    using AttentionDevice device = Open(options);
                    for (int n = Interlocked.Increment(ref next); n < all.Length; n = Interlocked.Increment(ref next))
                    {
                        cancel.ThrowIfCancellationRequested();
                        ofCases[n] = all[n].Run(device);
                        lock (results) progress?.Report(ofCases[n]);
                    }
                });
            results.AddRange(ofCases);
        }

        AttentionDevice Open(SimulatorOptions options)
        {
            AttentionDevice device = AttentionDevice.Open("simulator", new DeviceOptions { Simulator = options });
            ((SimulatorDevice)device.Backend).OnLaunch = (report, entry, problem) =>
            {
                lock (kernels)
                {
                    // A kernel with a score rule of the user's is in no table.
                    kernels.TryAdd(entry.Name, new KernelFindings(entry.Name, entry.SharedBytes));
                    kernels[entry.Name].Add(report, problem.ToString() ?? "");
                }
            };
            return device;
        }
    }
}
