using AttnKernels.Verification.Ptx;

namespace AttnKernels.Verification;

public static partial class CheckedDevices
{
    static partial void AddExtra(List<DeviceInfo> devices) => devices.Add(PtxDevice.Describe());

    static partial void OpenExtra(string? name, DeviceOptions options, ref AttentionDevice? device)
    {
        if (name == PtxDevice.Name) device = new AttentionDevice(PtxDevice.Open(options));
    }
}
