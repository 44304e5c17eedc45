namespace AttnKernels;

/// <summary>How a device is opened.</summary>
public sealed partial record DeviceOptions
{
    /// <summary>Most <see cref="Threads"/>, unless the machine has more logical processors.</summary>
    public const int MaxThreads = 1024;

    /// <summary>
    /// Threads of the CPU device, at most <see cref="MaxThreads"/>; 0 = one per logical processor that this process may use. Other devices
    /// ignore it.
    /// </summary>
    public int Threads { get; init; }

    /// <summary>
    /// Folder that keeps CUDA and OpenCL kernels as ILGPU compiled them, and what <c>attn tune</c> measured, for later processes, or "off".
    /// Null = what the environment variable ATTNKERNELS_CACHE says (a folder or "off"), else the folder attnkernels in the user's cache
    /// directory ($XDG_CACHE_HOME, else ~/.cache; on Windows %LOCALAPPDATA%). Files that are not exactly what this build wrote for this
    /// device and driver are made again; kernels that nothing has read for 60 days are removed. A folder that cannot be written, or that
    /// every user of the machine may write to, is not used. Kernels in AttnKernels.kernels.zip beside the library (<c>attn compile</c>, and
    /// the package) need no folder.
    /// </summary>
    public string? CacheFolder { get; init; }
}
