namespace AttnKernels.Kernels;

/// <summary>What a kernel takes of a CUDA multiprocessor, by its driver.</summary>
/// <param name="Registers">32-bit registers a lane.</param>
/// <param name="LocalBytes">Local memory a lane: registers that were spilled, and arrays that are indexed at run time.</param>
/// <param name="Groups">How many groups a multiprocessor holds at once.</param>
/// <param name="Occupancy">Their share of the lanes that it can hold.</param>
/// <param name="Bound">What keeps it from more.</param>
internal sealed record KernelResources(int Registers, int LocalBytes, int Groups, double Occupancy, string Bound)
{
    /// <summary>Registers are given out in eights a lane (CUDA occupancy calculator, allocation unit of 256 a warp).</summary>
    private const int RegisterUnit = 8;

    /// <summary>What the system takes of shared memory for each group (CUDA programming guide, compute capability 8.0 on).</summary>
    private const int SystemShared = 1024;

    /// <param name="entry">The kernel.</param>
    /// <param name="registers">Of a lane.</param>
    /// <param name="localBytes">Of a lane.</param>
    /// <param name="groups">How many a multiprocessor holds at once.</param>
    /// <param name="limits">Of the multiprocessor.</param>
    public static KernelResources Of(KernelEntry entry, int registers, int localBytes, int groups, MultiprocessorLimits limits)
    {
        int lanes = entry.GroupSize;
        string bound =
            (groups + 1) * lanes > limits.Lanes ? "lanes"
            : (groups + 1) * lanes * ((registers + RegisterUnit - 1) / RegisterUnit * RegisterUnit) > limits.Registers ? "registers"
            : (groups + 1) * (entry.SharedBytes + SystemShared) > limits.SharedBytes ? "shared memory"
            : "their number";
        return new KernelResources(registers, localBytes, groups, (double)groups * lanes / limits.Lanes, bound);
    }

    /// <summary>As it continues a sentence.</summary>
    public override string ToString() =>
        $", {Registers} registers{(LocalBytes > 0 ? $" and {LocalBytes} bytes of local memory" : "")} a lane, {Groups} at once on a " +
        $"multiprocessor ({100 * Occupancy:0} % of its lanes, bound by {Bound})";
}

/// <summary>What a CUDA multiprocessor holds.</summary>
internal readonly record struct MultiprocessorLimits(int Lanes, int Registers, int SharedBytes);
