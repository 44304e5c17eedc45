namespace AttnKernels;

/// <summary>Facts about a device.</summary>
/// <param name="Name">What <see cref="AttentionDevice.Open"/> takes: "cpu", "cuda:0", "opencl:1", "ilgpu-cpu", "simulator".</param>
/// <param name="Description">The hardware's own name.</param>
/// <param name="Kind">What runs the kernels.</param>
public sealed record DeviceInfo(string Name, string Description, DeviceKind Kind)
{
    /// <summary>Memory of the device in bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>Threads of the CPU device, streaming multiprocessors or compute units of others.</summary>
    public int ComputeUnits { get; init; } = 1;

    /// <summary>Most lanes of a group; 1 on the CPU device, which has no groups.</summary>
    public int MaxThreadsPerGroup { get; init; } = 1;

    /// <summary>Shared memory of a group in bytes; 0 on the CPU device.</summary>
    public int SharedMemoryPerGroup { get; init; }

    /// <summary>Shared memory in bytes that the groups on one multiprocessor divide among them; 0 on the CPU device.</summary>
    public int SharedMemoryPerMultiprocessor { get; init; }

    /// <summary>The last cache in front of the device's memory in bytes; 0 where it is not known, and on the CPU device.</summary>
    public long CacheBytes { get; init; }

    /// <summary>Lanes that run in lockstep; 1 where there is no such thing.</summary>
    public int WarpSize { get; init; } = 1;

    /// <summary>Whether it is a GPU.</summary>
    public bool IsGpu { get; init; }

    /// <summary>Whether it runs kernels to check them, too slowly for anything else.</summary>
    public bool ChecksOnly { get; init; }

    /// <summary>Instruction set, compute capability or driver version.</summary>
    public string Architecture { get; init; } = "";
}
