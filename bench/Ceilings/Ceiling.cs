namespace AttnKernels.Bench.Ceilings;

/// <summary>What a device can do at most: GFLOP/s of multiply-adds, GB/s of reads, GB/s of a copy (read + written).</summary>
public readonly record struct Ceiling(double Gflops, double ReadGbps, double CopyGbps)
{
    /// <summary>The share of written bytes from which a kernel is held against the copy instead of the read bandwidth.</summary>
    private const double CopyShare = 0.25;

    /// <summary>The memory ceiling of work that writes <paramref name="writtenShare"/> of its bytes.</summary>
    public double Gbps(double writtenShare) => writtenShare >= CopyShare ? CopyGbps : ReadGbps;

    /// <summary>
    /// How close to this ceiling a rate comes: the larger of its arithmetic and its memory fraction, and which of the two that is.
    /// </summary>
    public (double Percent, bool ComputeBinds) PercentOf(double gflops, double gbps, double writtenShare)
    {
        double compute = gflops / Gflops, memory = gbps / Gbps(writtenShare);
        return (100 * Math.Max(compute, memory), compute >= memory);
    }
}
