using AttnKernels.Bench.Ceilings;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Measure;

/// <summary>The times of one implementation on one workload, with the worst error over bound of its output.</summary>
public sealed record Measurement(
    Workload Workload, string Implementation, string Form, int Threads, Statistics Times, double ErrorOverBound)
{
    /// <summary>How it multiplies, and so which arithmetic ceiling it is held against.</summary>
    public InputPrecision Multiplies { get; init; } = Workload.InputPrecision;

    /// <summary>Billions of floating-point operations a second, at the median.</summary>
    public double Gflops => Workload.Flops / Times.Median / 1e6;

    /// <summary>Billions of bytes a second of the least possible traffic, at the median.</summary>
    public double Gbps => Workload.Bytes / Times.Median / 1e6;

    /// <summary>The larger of the fractions of the arithmetic and of the memory ceiling, in percent.</summary>
    public double PercentOf(Ceiling ceiling) =>
        ceiling.PercentOf(Gflops, Gbps, Workload.WrittenBytes / Workload.Bytes, Multiplies).Percent;

    /// <summary>Name and form, as recorded.</summary>
    public string Label => Form.Length == 0 ? Implementation : $"{Implementation} ({Form})";
}
