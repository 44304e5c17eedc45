using AttnKernels.Verification.Ptx;

namespace AttnKernels.Verification;

public static partial class CheckedDevices
{
    static partial void AddExtra(List<DeviceInfo> devices) => devices.AddRange(PtxDevice.Multiprocessors.Select(PtxDevice.Describe));

    static partial void OpenExtra(string? name, DeviceOptions options, ref AttentionDevice? device)
    {
        int which = Array.FindIndex(PtxDevice.Multiprocessors, n => PtxDevice.Describe(n).Name == name);
        if (which >= 0) device = new AttentionDevice(PtxDevice.Open(options, PtxDevice.Multiprocessors[which]));
    }
}
