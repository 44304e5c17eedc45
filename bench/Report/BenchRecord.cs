using System.Text.Json.Serialization;

namespace AttnKernels.Bench.Report;

/// <summary>
/// One line of results: an implementation of a workload on a device. Times are of one run, rates follow from the median;
/// <see cref="PercentOfCeiling"/> is the larger of the fractions of the arithmetic and of the memory ceiling measured in the same run;
/// <see cref="ErrorOverBound"/> is the worst error against the double-precision reference over its derived bound (1 would just pass).
/// A ceiling is a record of its own with operation "ceiling". What does not apply is null.
/// </summary>
public sealed record BenchRecord(
    string Workload,
    string Operation,
    string Implementation,
    string Device,
    string Dtype,
    int Threads,
    double? MedianMs,
    double? P20Ms,
    double? P80Ms,
    double? Gflops,
    double? Gbps,
    double? PercentOfCeiling,
    double? ErrorOverBound)
{
    /// <summary>The name under which the library's own kernels are recorded.</summary>
    public const string Ours = "AttnKernels";

    /// <summary>The operation of records that hold a ceiling.</summary>
    public const string CeilingOperation = "ceiling";

    /// <summary>The operation of records that hold the time of the first call of a process, device and plan included.</summary>
    public const string FirstCallOperation = "first-call";

    /// <summary>The operation of records that hold the time of the first run of a process, whose plan was made before.</summary>
    public const string FirstRunOperation = "first-run";

    /// <summary>Workload names of the kinds of ceiling.</summary>
    public const string ArithmeticCeiling = "ceiling-arithmetic";
    /// <inheritdoc cref="ArithmeticCeiling"/>
    public const string Tf32Ceiling = "ceiling-tf32";
    /// <inheritdoc cref="ArithmeticCeiling"/>
    public const string ReadCeiling = "ceiling-read";
    /// <inheritdoc cref="ArithmeticCeiling"/>
    public const string CopyCeiling = "ceiling-copy";

    /// <summary>The implementation without the form it took: "onnxruntime" of "onnxruntime (mha)".</summary>
    [JsonIgnore]
    public string Family => Implementation.Split(' ')[0];

    /// <summary>Whether the record is a time of a workload that was measured warm.</summary>
    [JsonIgnore]
    public bool IsWarm => Operation is not (CeilingOperation or FirstCallOperation or FirstRunOperation);

    /// <summary>Whether the record is of the library's own kernel.</summary>
    [JsonIgnore]
    public bool IsOurs => Family == Ours;
}
