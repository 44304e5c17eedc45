namespace AttnKernels.Bench.Report;

/// <summary>All records of one workload in one type with one thread count: the library's first, then the peers by time.</summary>
public sealed record WorkloadGroup(string Workload, string Operation, string Dtype, int Threads, IReadOnlyList<BenchRecord> Records)
{
    /// <summary>The library's record, or null where it was not timed.</summary>
    public BenchRecord? Ours => Records.FirstOrDefault(r => r.IsOurs);

    /// <summary>The fastest peer, or null.</summary>
    public BenchRecord? BestPeer => Records.Where(r => !r.IsOurs).MinBy(r => r.MedianMs);

    /// <summary>A peer by its name without the form.</summary>
    public BenchRecord? Peer(string family) => Records.FirstOrDefault(r => r.Family == family);

    /// <summary>How many times faster the library is than <paramref name="peer"/>; null where either is missing.</summary>
    public double? SpeedupOver(BenchRecord? peer) => Ours is { } ours && peer is not null ? peer.MedianMs / ours.MedianMs : null;

    /// <summary>The measured workloads of <paramref name="records"/>, in their order.</summary>
    public static IReadOnlyList<WorkloadGroup> Of(IEnumerable<BenchRecord> records) =>
    [
        .. records
            .Where(r => r.IsWarm)
            .GroupBy(r => (r.Workload, r.Operation, r.Dtype, r.Threads))
            .Select(g => new WorkloadGroup(
                g.Key.Workload, g.Key.Operation, g.Key.Dtype, g.Key.Threads,
                [.. g.OrderBy(r => r.IsOurs ? 0 : 1).ThenBy(r => r.MedianMs)])),
    ];
}
