namespace AttnKernels.Bench.Ceilings;

/// <summary>
/// What a device can do at most: GFLOP/s of multiply-adds, GB/s of reads, GB/s of a copy (read + written), and where fp32 may be
/// multiplied as TF32 the GFLOP/s of that.
/// </summary>
public readonly record struct Ceiling(double Gflops, double ReadGbps, double CopyGbps)
{
    /// <summary>The share of written bytes from which a kernel is held against the copy instead of the read bandwidth.</summary>
    private const double CopyShare = 0.25;

    /// <summary>Products of TF32 for one of fp32 (<see cref="InputPrecision.Tf32x3"/>).</summary>
    private const int Tf32Parts = 3;

    /// <summary>GFLOP/s of fp32 multiplied as TF32, one product for one; null where it was not measured.</summary>
    public double? Tf32Gflops { get; init; }

    /// <summary>
    /// The arithmetic ceiling of a problem's operations that are multiplied in that way. TF32 allows fp32, so it is never lower than that.
    /// </summary>
    public double GflopsAs(InputPrecision multiplied) => multiplied switch
    {
        InputPrecision.Tf32 => Math.Max(Gflops, Tf32Gflops ?? 0),
        InputPrecision.Tf32x3 => Math.Max(Gflops, Tf32Gflops / Tf32Parts ?? 0),
        _ => Gflops,
    };

    /// <summary>The memory ceiling of work that writes <paramref name="writtenShare"/> of its bytes.</summary>
    public double Gbps(double writtenShare) => writtenShare >= CopyShare ? CopyGbps : ReadGbps;

    /// <summary>
    /// How close to this ceiling a rate comes: the larger of its arithmetic and its memory fraction, and which of the two that is.
    /// </summary>
    public (double Percent, bool ComputeBinds) PercentOf(
        double gflops, double gbps, double writtenShare, InputPrecision multiplied = InputPrecision.Ieee)
    {
        double compute = gflops / GflopsAs(multiplied), memory = gbps / Gbps(writtenShare);
        return (100 * Math.Max(compute, memory), compute >= memory);
    }
}
