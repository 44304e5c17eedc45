namespace AttnKernels.Kernels;

/// <summary>Sizes of launch grids.</summary>
internal static class Grids
{
    public static long Tiles(int size, int tile) => ((long)size + tile - 1) / tile;

    /// <summary>
    /// The number of groups. CUDA's grids have up to 2^31 - 1 of them along x; OpenCL and ILGPU's CPU accelerator count lanes in 32 bits.
    /// </summary>
    public static int Groups(long groups, KernelEntry entry, KernelDevice device)
    {
        bool isCuda = device.Info.Kind == DeviceKind.Cuda;
        if (groups <= (isCuda ? int.MaxValue : int.MaxValue / entry.GroupSize)) return (int)groups;
        throw new NotSupportedException(
            $"The problem needs {groups} groups of {entry.GroupSize} lanes of {entry.Name}; a launch on {device.Info.Name} holds " +
            $"2^31 - 1 {(isCuda ? "groups" : "lanes")}. Split the batch.");
    }
}
