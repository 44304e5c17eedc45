using AttnKernels.Kernels;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>Compiled kernels on disk, one file each; one that is damaged or another's is compiled again and replaced.</summary>
internal sealed class KernelCache(CacheFolder folder)
{
    /// <summary>All that the compiled text depends on: see <see cref="KernelFile.Key"/>, and the device and its driver.</summary>
    public static string Key(KernelEntry entry, DeviceInfo device) =>
        string.Join('\n', KernelFile.Key(entry), device.Description, device.Architecture);

    /// <summary>The kept kernel, or what <paramref name="compile"/> makes, which is then kept.</summary>
    public KernelText Get(string key, Func<KernelText> compile)
    {
        string name = KernelFile.Name(key);
        if (folder.Read(name) is { } file && KernelFile.Parse(file, key) is { } kept) return kept;
        KernelText made = compile();
        folder.Write(name, KernelFile.Format(key, made));
        return made;
    }
}
