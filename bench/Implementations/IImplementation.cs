using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Implementations;

/// <summary>The library on a device, or a peer, with a fixed number of threads.</summary>
public interface IImplementation : IDisposable
{
    /// <summary>As it appears in results and in --peers.</summary>
    string Name { get; }

    /// <summary>
    /// The ways in which this implementation can compute <paramref name="workload"/>, of which the fastest is measured; empty where it
    /// cannot, with the <paramref name="reason"/> in a few words.
    /// </summary>
    IReadOnlyList<Candidate> Candidates(Workload workload, out string reason);
}
