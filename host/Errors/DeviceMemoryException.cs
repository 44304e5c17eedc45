namespace AttnKernels;

/// <summary>A device has too little free memory.</summary>
public sealed class DeviceMemoryException : OutOfMemoryException
{
    /// <summary>Reports the sizes.</summary>
    /// <param name="device">Name of the device.</param>
    /// <param name="neededBytes">Bytes asked for.</param>
    /// <param name="freeBytes">Bytes free at that time.</param>
    /// <param name="inner">What the device said.</param>
    public DeviceMemoryException(string device, long neededBytes, long freeBytes, Exception? inner = null)
        : base($"Device {device} has too little memory: {Sizes.FormatBytes(neededBytes)} ({neededBytes} bytes) needed, " +
               $"{Sizes.FormatBytes(freeBytes)} ({freeBytes} bytes) free.", inner) =>
        (Device, NeededBytes, FreeBytes) = (device, neededBytes, freeBytes);

    /// <summary>Name of the device.</summary>
    public string Device { get; }

    /// <summary>Bytes asked for.</summary>
    public long NeededBytes { get; }

    /// <summary>Bytes that were free.</summary>
    public long FreeBytes { get; }
}
