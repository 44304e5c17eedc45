using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Implementations;

/// <summary>One way in which an implementation computes a workload.</summary>
/// <param name="Form">Which of several operators or layouts; empty where there is only one.</param>
/// <param name="ExpectedSeconds">A guess at the time of one run, to leave out what would take minutes; 0 where it is fast.</param>
/// <param name="Prepare">Converts the inputs and allocates everything that a run needs.</param>
public sealed record Candidate(string Form, double ExpectedSeconds, Func<WorkloadInput, Prepared> Prepare)
{
    /// <summary>How it multiplies, where that is not what the workload asks for.</summary>
    public InputPrecision? Multiplies { get; init; }

    /// <summary><paramref name="implementation"/> and the form, as recorded.</summary>
    public string Label(string implementation) => Form.Length == 0 ? implementation : $"{implementation} ({Form})";
}
