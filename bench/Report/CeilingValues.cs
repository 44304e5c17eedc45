using AttnKernels.Bench.Ceilings;

namespace AttnKernels.Bench.Report;

/// <summary>Finds the ceilings among records.</summary>
public static class CeilingValues
{
    /// <summary>
    /// The ceiling for <paramref name="threads"/> and a storage type, of fp32 where that type has none of its own; null where the records
    /// hold none.
    /// </summary>
    public static Ceiling? For(IReadOnlyList<BenchRecord> records, int threads, string dtype)
    {
        BenchRecord? Find(string name) => records
            .Where(r => r.Operation == BenchRecord.CeilingOperation && r.Workload == name && r.Threads == threads)
            .OrderByDescending(r => r.Dtype == dtype).FirstOrDefault();
        return Find(BenchRecord.ArithmeticCeiling)?.Gflops is { } gflops
            && Find(BenchRecord.ReadCeiling)?.Gbps is { } read
            && Find(BenchRecord.CopyCeiling)?.Gbps is { } copy ? new Ceiling(gflops, read, copy) : null;
    }

    /// <summary>Which ceiling a record was held against: "FMA", "read" or "copy".</summary>
    public static string BindingName(BenchRecord record, Ceiling ceiling)
    {
        double compute = 100 * (record.Gflops ?? 0) / ceiling.Gflops;
        if (Math.Abs(compute - (record.PercentOfCeiling ?? 0)) < 0.1) return "FMA";
        double read = 100 * (record.Gbps ?? 0) / ceiling.ReadGbps, copy = 100 * (record.Gbps ?? 0) / ceiling.CopyGbps;
        return Math.Abs(read - (record.PercentOfCeiling ?? 0)) <= Math.Abs(copy - (record.PercentOfCeiling ?? 0)) ? "read" : "copy";
    }
}
