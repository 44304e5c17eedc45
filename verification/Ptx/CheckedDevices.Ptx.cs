using AttnKernels.Verification.Ptx;

namespace AttnKernels.Verification;

public static partial class CheckedDevices
{
    static partial void AddExtra(List<DeviceInfo> devices) => devices.AddRange(PtxDevice.Multiprocessors.Select(PtxDevice.Describe));

    static partial void OpenExtra(string? name, DeviceOptions options, ref AttentionDevice? device)
    {
        foreach (int count in PtxDevice.Multiprocessors.Where(count => PtxDevice.Describe(count).Name == name))
            device = new AttentionDevice(PtxDevice.Open(options, count));
    }
}
