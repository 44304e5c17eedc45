namespace AttnKernels.Verification;

/// <summary>Where verification runs: the library's devices, and what this build has beside them for checking alone.</summary>
public static partial class CheckedDevices
{
    /// <summary>Devices that only check; <see cref="Open"/> takes their names.</summary>
    public static IReadOnlyList<DeviceInfo> Extra
    {
        get
        {
            List<DeviceInfo> devices = [];
            AddExtra(devices);
            return devices;
        }
    }

    /// <summary>A device of <see cref="Extra"/>, or of <see cref="AttentionDevice.Open"/>.</summary>
    /// <exception cref="ArgumentException">There is no such device.</exception>
    public static AttentionDevice Open(string? name, DeviceOptions? options = null)
    {
        AttentionDevice? extra = null;
        OpenExtra(name, options ?? new DeviceOptions(), ref extra);
        return extra ?? AttentionDevice.Open(name, options);
    }

    static partial void AddExtra(List<DeviceInfo> devices);

    static partial void OpenExtra(string? name, DeviceOptions options, ref AttentionDevice? device);
}
