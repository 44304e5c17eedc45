using System.IO.Compression;
using AttnKernels.Kernels;
using ILGPU.Runtime.Cuda;

namespace AttnKernels.Devices.Ilgpu;

/// <summary>
/// The library's own kernels, compiled to PTX before they are needed: a ZIP archive of kernel files beside the library, written by
/// <c>attn compile</c>. It serves every GPU from compute capability 8.0 on, since PTX for one differs from PTX for another in the named
/// target only. What is not there, of another build or damaged is compiled as without it.
/// </summary>
internal sealed class KernelArchive(string path)
{
    // The first with tensor cores. Kernels of older devices would need texts of their own.
    private const int Major = 8;

    /// <summary>Where the library looks.</summary>
    public static string DefaultPath { get; } = Path.Combine(Folder(), "AttnKernels.kernels.zip");

    /// <summary>The kernel for a device of that compute capability; null where the archive does not have it.</summary>
    public KernelText? Find(KernelEntry entry, int major, int minor)
    {
        if (major < Major || !File.Exists(path)) return null;
        try
        {
            string key = KernelFile.Key(entry);
            using ZipArchive archive = ZipFile.OpenRead(path);
            if (archive.GetEntry(KernelFile.Name(key)) is not { } packed) return null;
            using Stream stream = packed.Open();
            MemoryStream file = new();
            stream.CopyTo(file);
            return KernelFile.Parse(file.ToArray(), key) is { } kernel
                ? kernel with { Text = PtxText.Retarget(kernel.Text, major, minor) }
                : null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Compiles kernels and writes the archive; it appears whole, in place of an older one.</summary>
    /// <param name="entries">The kernels, <see cref="KernelCatalog.All"/> but for tests.</param>
    /// <param name="compiled">Is told of each kernel, by one thread at a time.</param>
    /// <param name="cancel">Stops between kernels; nothing is written then.</param>
    public void Write(IReadOnlyList<KernelEntry> entries, Action<KernelEntry> compiled, CancellationToken cancel)
    {
        (string Name, byte[] Content)[] files = new (string, byte[])[entries.Count];
        new PtxCompiler(new CudaArchitecture(Major, 0)).CompileAll(
            entries,
            (n, kernel) =>
            {
                string key = KernelFile.Key(entries[n]);
                files[n] = (KernelFile.Name(key), KernelFile.Format(key, kernel));
                lock (files) compiled(entries[n]);
            },
            cancel);

        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        using (ZipArchive archive = ZipFile.Open(temporary, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] content) in files)
            {
                ZipArchiveEntry packed = archive.CreateEntry(name, CompressionLevel.SmallestSize);
                packed.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero); // the same kernels, the same bytes
                using Stream stream = packed.Open();
                stream.Write(content);
            }
        }
        File.Move(temporary, path, overwrite: true);
    }

    private static string Folder()
    {
        string library = typeof(KernelArchive).Assembly.Location;
        return library.Length > 0 ? Path.GetDirectoryName(library)! : AppContext.BaseDirectory;
    }
}
