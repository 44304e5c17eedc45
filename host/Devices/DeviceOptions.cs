namespace AttnKernels;

/// <summary>How a device is opened.</summary>
public sealed partial record DeviceOptions
{
    /// <summary>Threads of the CPU device; 0 = one per logical processor that this process may use. Other devices ignore it.</summary>
    public int Threads { get; init; }
}
