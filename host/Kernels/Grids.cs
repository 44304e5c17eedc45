namespace AttnKernels.Kernels;

/// <summary>Sizes of launch grids.</summary>
internal static class Grids
{
    public static long Tiles(int size, int tile) => ((long)size + tile - 1) / tile;

    /// <summary>The number of groups, which with their lanes must stay within 32 bits: OpenCL counts work items so.</summary>
    public static int Groups(long groups, KernelEntry entry)
    {
        if (groups * entry.GroupSize <= int.MaxValue) return (int)groups;
        throw new NotSupportedException(
            $"The problem needs {groups} groups of {entry.GroupSize} lanes of {entry.Name}; a launch holds 2^31 - 1 lanes. " +
            "Split the batch.");
    }
}
