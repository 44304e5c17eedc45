using System.IO.Enumeration;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Cli;

/// <summary>Which workloads an invocation measures.</summary>
public static class WorkloadSelection
{
    /// <summary>The named workloads (full-only ones too), or those of the mode; each in all of the types.</summary>
    /// <exception cref="OptionException">A pattern matches nothing.</exception>
    public static IReadOnlyList<Workload> Of(BenchOptions options)
    {
        IReadOnlyList<Workload> all = WorkloadTable.All;
        foreach (string pattern in options.Workloads)
            if (!all.Any(w => Matches(pattern, w)))
                throw new OptionException($"--workload {pattern} matches nothing; there are {string.Join(", ", all.Select(w => w.Name))}");

        IEnumerable<Workload> chosen = options.Workloads.Count > 0
            ? all.Where(w => options.Workloads.Any(pattern => Matches(pattern, w)))
            : all.Where(w => !w.NamedOnly && (options.Full || !w.FullOnly));
        IReadOnlyList<DType> types = options.Types.Count > 0 ? options.Types
            : options.Full ? [DType.Float32, DType.Float16, DType.BFloat16] : [DType.Float32];
        return [.. chosen.SelectMany(w => types.Where(w.Takes).Select(w.WithType))];
    }

    private static bool Matches(string pattern, Workload workload) => FileSystemName.MatchesSimpleExpression(pattern, workload.Name);
}
