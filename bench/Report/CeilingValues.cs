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
        if (Find(BenchRecord.ArithmeticCeiling)?.Gflops is not { } gflops || Find(BenchRecord.ReadCeiling)?.Gbps is not { } read
            || Find(BenchRecord.CopyCeiling)?.Gbps is not { } copy) return null;
        double? tf32 = Find(BenchRecord.Tf32Ceiling) is { } record && record.Dtype == dtype ? record.Gflops : null;
        return new Ceiling(gflops, read, copy) { Tf32Gflops = tf32 };
    }

    /// <summary>
    /// The arithmetic ceilings by their names: "FMA", and where they are higher "TF32" and, three products for one, "3xTF32".
    /// </summary>
    public static IReadOnlyList<(string Name, double Gflops)> Arithmetic(Ceiling ceiling)
    {
        (string Name, double Gflops)[] tensorCores =
            [("3xTF32", ceiling.GflopsAs(InputPrecision.Tf32x3)), ("TF32", ceiling.GflopsAs(InputPrecision.Tf32))];
        return [("FMA", ceiling.Gflops), .. tensorCores.Where(c => c.Gflops > ceiling.Gflops)];
    }

    /// <summary>
    /// Which ceiling a record was held against: "read", "copy" or one of <see cref="Arithmetic"/>. A record says only the percentage, to
    /// which one of them leads.
    /// </summary>
    public static string BindingName(BenchRecord record, Ceiling ceiling)
    {
        double percent = record.PercentOfCeiling ?? 0;
        foreach ((string name, double gflops) in Arithmetic(ceiling))
            if (Math.Abs(100 * (record.Gflops ?? 0) / gflops - percent) < 0.1) return name;
        double read = 100 * (record.Gbps ?? 0) / ceiling.ReadGbps, copy = 100 * (record.Gbps ?? 0) / ceiling.CopyGbps;
        return Math.Abs(read - percent) <= Math.Abs(copy - percent) ? "read" : "copy";
    }

    /// <summary>Whether arithmetic limits a record, and not memory.</summary>
    public static bool IsArithmetic(BenchRecord record, Ceiling ceiling) => BindingName(record, ceiling) is not ("read" or "copy");
}
