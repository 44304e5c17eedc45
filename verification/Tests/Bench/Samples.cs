using AttnKernels.Bench.Report;

namespace AttnKernels.Tests.Bench;

/// <summary>Records as a small run would leave them.</summary>
internal static class Samples
{
    public const string Device = "cpu (A & B)";

    public static IReadOnlyList<BenchRecord> Records { get; } =
    [
        Ceiling(BenchRecord.ArithmeticCeiling, 200, null),
        Ceiling(BenchRecord.ReadCeiling, null, 40),
        Ceiling(BenchRecord.CopyCeiling, null, 50),
        Time("s512", BenchRecord.Ours, 3, 160, 2, 80),
        Time("s512", "onnxruntime (mha)", 6, 80, 1, 40),
        Time("s1024", BenchRecord.Ours, 12, 170, 1, 85),
        Time("s1024", "onnxruntime (attention)", 18, 110, 0.7, 55),
        Time("decode", BenchRecord.Ours, 1, 60, 30, 75),
        new("s512", BenchRecord.FirstCallOperation, BenchRecord.Ours, Device, "fp32", 2, 90, 80, 95, null, null, null, null),
        new("s512", BenchRecord.FirstRunOperation, BenchRecord.Ours, Device, "fp32", 2, 6, 5, 7, null, null, null, null),
    ];

    public static ReportDocument Document { get; } =
        new(Device, "a machine", Records, ["onnxruntime: 1.0"], ["pytorch: install <torch>"],
            ["s512: FlashForward: 64 groups"], ["s512, naive: would take 9 s a run"]);

    private static BenchRecord Ceiling(string name, double? gflops, double? gbps) =>
        new(name, BenchRecord.CeilingOperation, "a probe", Device, "fp32", 2, null, null, null, gflops, gbps, 100, null);

    private static BenchRecord Time(string workload, string implementation, double ms, double gflops, double gbps, double percent) =>
        new(
            workload, "attention", implementation, Device, "fp32", 2,
            ms, Math.Round(ms * 0.9, 3), Math.Round(ms * 1.1, 3), gflops, gbps, percent, 0.125);
}
