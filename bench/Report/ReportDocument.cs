namespace AttnKernels.Bench.Report;

/// <summary>What a report about one device says.</summary>
/// <param name="Device">The device with its hardware.</param>
/// <param name="Machine">The machine, in one line.</param>
/// <param name="Records">All records of the device.</param>
/// <param name="Peers">Who took part, with versions.</param>
/// <param name="Absent">Which peers were missing, with how to get them.</param>
/// <param name="Plans">Which kernel ran each workload, and what the device's compiler made of it.</param>
/// <param name="Omissions">Warnings, and what was not timed, with the reason.</param>
public sealed record ReportDocument(
    string Device,
    string Machine,
    IReadOnlyList<BenchRecord> Records,
    IReadOnlyList<string> Peers,
    IReadOnlyList<string> Absent,
    IReadOnlyList<string> Plans,
    IReadOnlyList<string> Omissions)
{
    /// <summary>How the numbers came about; the same in every form of the report.</summary>
    public static IReadOnlyList<string> Method { get; } =
    [
        "Every implementation is compared with the double-precision reference before it is timed and again afterwards; error/bound is the "
            + "worst error over its derived bound, and nothing above 1 is reported. Of large outputs, blocks of rows of every head are "
            + "compared.",
        "Implementations take turns within one run (A B C, C B A, ...), warmed up, with a pause in between; the first run of a turn is "
            + "dropped. Times are medians, with the 20th and 80th percentile.",
        "The workers of peers are pinned to a processor each. Of ONNX Runtime the fastest operator for the workload is shown.",
        "GFLOP/s count the products over the visible (query, key) pairs, so a causal mask halves the work. GB/s count every tensor once.",
        "The percentage is the larger of the arithmetic and the memory fraction of the ceilings, which are probed again before every "
            + "workload; a ceiling is the 80th percentile of its probes.",
        "On a GPU a row is held against the ceiling of what it multiplies as. For fp32 as TF32 that is the fastest large matmul as TF32; "
            + "for TF32 in three parts (3xTF32), where GFLOP/s count the problem's operations and not the three products of each, a third "
            + "of that; for both, fp32's ceiling where it is higher.",
        "PyTorch's efficient attention is 3xTF32 in fp32, too, on GPUs with tensor cores for TF32: it is CUTLASS's, not plain fp32 "
            + "multiply-adds, although TF32 is off.",
        "On a GPU times are the device's own, between two events around one run, after its caches were overwritten.",
        "Decode and softmax go round several copies of their inputs, so that they are read from memory and not from the caches.",
    ];

    /// <summary>The workloads.</summary>
    public IReadOnlyList<WorkloadGroup> Groups { get; } = WorkloadGroup.Of(Records);

    /// <summary>The records of one workload, or null.</summary>
    public WorkloadGroup? Group(string workload, string dtype, int threads) =>
        Groups.FirstOrDefault(g => g.Workload == workload && g.Dtype == dtype && g.Threads == threads);

    /// <summary>The largest thread count: that of the main results.</summary>
    public int Threads => Records.Count == 0 ? 1 : Records.Max(r => r.Threads);

    /// <summary>Names of the peers that have records, in the order in which they first appear.</summary>
    public IReadOnlyList<string> Families =>
        [.. Records.Where(r => r.IsWarm && !r.IsOurs)
            .Select(r => r.Family).Distinct()];

    /// <summary>Part of a file name: the device without blanks and signs.</summary>
    public string FileName => Sanitise(Device);

    /// <summary>Lower case, anything but letters and digits turned into single dashes.</summary>
    public static string Sanitise(string name)
    {
        string plain = new([.. name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]);
        return string.Join('-', plain.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
