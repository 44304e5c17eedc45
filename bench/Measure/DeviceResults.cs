using System.Globalization;
using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Cli;
using AttnKernels.Bench.Report;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>Everything that was measured on one device.</summary>
internal sealed class DeviceResults(string device)
{
    private readonly List<(Measurement Measurement, ICeilings Ceilings)> measurements = [];
    private readonly List<Omission> omissions = [];
    private readonly List<BenchRecord> others = [];
    private readonly List<string> plans = [];
    private readonly List<Match> disturbed = [];

    /// <summary>The device's name with its hardware.</summary>
    public string Device => device;

    /// <summary>Who was not timed, and why.</summary>
    public IReadOnlyList<Omission> Omissions => omissions;

    /// <summary>How each plan of the library ran.</summary>
    public IReadOnlyList<string> Plans => plans;

    /// <summary>Says where something else must have used the machine, since arithmetic probes varied too much.</summary>
    public IReadOnlyList<string> Warnings =>
    [
        .. disturbed.Select(match =>
            $"the machine was disturbed: {match.DisturbedRounds} rounds of {match.Workload.Name}, beside others that were repeated, began "
            + "or ended when the arithmetic probe was 10 % below its 80th percentile, so its times are not to be relied on"),
        .. measurements.Select(m => m.Ceilings).Distinct()
            .Where(c => !c.WatchesRounds && c.Arithmetic.P20 < ICeilings.QuietShare * c.Arithmetic.P80)
            .Select(c => string.Create(CultureInfo.InvariantCulture,
                $"the machine was disturbed: the arithmetic probes lie between {c.Arithmetic.P20:0} and {c.Arithmetic.P80:0} GFLOP/s (20th "
                + $"and 80th percentile), so times and percentages are not to be relied on")),
    ];

    /// <summary>Takes the outcome of a match that was held under <paramref name="ceilings"/>.</summary>
    public void Add(Match match, ICeilings ceilings)
    {
        measurements.AddRange(match.Measurements.Select(m => (m, ceilings)));
        omissions.AddRange(match.Omissions);
        if (match.DisturbedRounds > 0) disturbed.Add(match);
        if (match.Plan.Length > 0) plans.Add($"{match.Workload.Name}: {match.Plan}");
    }

    /// <summary>The first call of a process, in several processes.</summary>
    public void AddFirstCall(Workload workload, int threads, IReadOnlyList<FirstCall> calls)
    {
        Add(BenchRecord.FirstCallOperation, Statistics.Of([.. calls.Select(c => c.WholeMs)]));
        Add(BenchRecord.FirstRunOperation, Statistics.Of([.. calls.Select(c => c.RunMs)]));

        void Add(string operation, Statistics times) => others.Add(new BenchRecord(
            workload.Name, operation, BenchRecord.Ours, device, workload.Type.Short(), threads,
            times.Median, times.P20, times.P80, null, null, null, null));
    }

    /// <summary>The records: ceilings first, then the workloads in the order of measurement.</summary>
    public IReadOnlyList<BenchRecord> ToRecords() =>
    [
        .. measurements.Select(m => m.Ceilings).Distinct().SelectMany(CeilingRecords),
        .. measurements.Select(m => ToRecord(m.Measurement, m.Ceilings.Current)),
        .. others,
    ];

    private BenchRecord ToRecord(Measurement m, Ceiling ceiling)
    {
        return new BenchRecord(
            m.Workload.Name, m.Workload.Operation, m.Label, device, m.Workload.Type.Short(), m.Threads,
            m.Times.Median, m.Times.P20, m.Times.P80, m.Gflops, m.Gbps, m.PercentOf(ceiling), m.ErrorOverBound);
    }

    private BenchRecord[] CeilingRecords(ICeilings c) =>
    [
        Ceiling(BenchRecord.ArithmeticCeiling, c.Method.Arithmetic, c, c.Current.Gflops, null),
        .. c.Current.Tf32Gflops is { } tf32 ? [Ceiling(BenchRecord.Tf32Ceiling, c.Tf32Method, c, tf32, null)] : (BenchRecord[])[],
        Ceiling(BenchRecord.ReadCeiling, c.Method.Read, c, null, c.Current.ReadGbps),
        Ceiling(BenchRecord.CopyCeiling, c.Method.Copy, c, null, c.Current.CopyGbps),
    ];

    private BenchRecord Ceiling(string workload, string method, ICeilings c, double? gflops, double? gbps) => new(
        workload, BenchRecord.CeilingOperation, method, device, c.Type.Short(), c.Threads, null, null, null, gflops, gbps, 100, null);
}
