using AttnKernels.Kernels;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// The PTX of kernels for one device: of the archive beside the library, of the cache folder, or compiled now. Thread-safe.
/// </summary>
internal sealed class PtxSource(DeviceInfo device, CacheFolder folder, PtxCompiler compiler, int major, int minor)
{
    private readonly KernelArchive archive = new(KernelArchive.DefaultPath);
    private readonly KernelCache cache = new(folder);

    /// <exception cref="ILGPU.InternalCompilerException">ILGPU cannot compile it.</exception>
    public KernelText Get(KernelEntry entry) =>
        archive.Find(entry, major, minor) ?? cache.Get(KernelCache.Key(entry, device), () => compiler.Compile(entry));
}
