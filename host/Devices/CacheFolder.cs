namespace AttnKernels;

/// <summary>
/// The folder where a user's processes leave results for later ones. Files appear whole, by a rename, so that several threads and processes
/// may read and write; a folder that cannot be used holds nothing, which is no error.
/// </summary>
internal sealed class CacheFolder(string? path)
{
    /// <summary>Ends the names of files that anybody can make again.</summary>
    public const string Kernel = ".kernel";

    // Tells the library's files from others in a folder that the user chose.
    private const string Prefix = "attnkernels-";

    // A kernel's name changes with every build of the library: what no process has read for so long is an older build's.
    private static readonly TimeSpan Kept = TimeSpan.FromDays(60);

    private bool trimmed;

    /// <summary>Where the files lie; null = nothing is kept.</summary>
    public string? Path => path;

    /// <summary>The folder that <see cref="DeviceOptions.CacheFolder"/> and the environment ask for.</summary>
    public static CacheFolder Open(string? option)
    {
        string? asked = option ?? Environment.GetEnvironmentVariable("ATTNKERNELS_CACHE");
        if (asked == "off") return new CacheFolder(null);
        return new CacheFolder(string.IsNullOrWhiteSpace(asked) ? Default() : asked);
    }

    /// <summary>Where the file of that name lies.</summary>
    public string FullName(string name) => System.IO.Path.Combine(path ?? "", Prefix + name);

    /// <summary>A file's bytes; null where there is none that can be trusted to be this user's.</summary>
    public byte[]? Read(string name)
    {
        if (path is null || IsOpenToOthers()) return null;
        string file = FullName(name);
        byte[]? bytes = null;
        Try(() => bytes = File.ReadAllBytes(file));
        if (bytes is not null) Try(() => File.SetLastWriteTimeUtc(file, DateTime.UtcNow));
        return bytes;
    }

    /// <summary>Makes or replaces a file, if the folder allows it; returns whether it did.</summary>
    public bool Write(string name, byte[] bytes)
    {
        if (path is null) return false;
        string file = FullName(name);
        string temporary = $"{file}.{Guid.NewGuid():N}.tmp";
        bool isWritten = Try(() =>
        {
            Make(path);
            if (IsOpenToOthers()) throw new UnauthorizedAccessException();
            File.WriteAllBytes(temporary, bytes);
            File.Move(temporary, file, overwrite: true);
        });
        if (!isWritten) Try(() => File.Delete(temporary));
        else if (!trimmed) Try(Trim);
        return isWritten;
    }

    private static void Make(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Kernels are run as they lie there, so a folder that other users of the machine may write into is not used.</summary>
    private bool IsOpenToOthers()
    {
        const UnixFileMode none = (UnixFileMode)(-1); // no folder, or a system without such modes
        UnixFileMode mode = none;
        Try(() => mode = new DirectoryInfo(path!).UnixFileMode);
        return mode != none && (mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0;
    }

    /// <summary>Removes kernels of older builds and what broken processes left of them.</summary>
    private void Trim()
    {
        trimmed = true;
        foreach (string file in Directory.EnumerateFiles(path!, $"{Prefix}*{Kernel}*"))
        {
            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(file) > Kept) File.Delete(file);
        }
    }

    private static string? Default()
    {
        string? root = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        if (string.IsNullOrEmpty(root) || !System.IO.Path.IsPathRooted(root))
        {
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            root = OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : home.Length > 0 ? System.IO.Path.Combine(home, ".cache") : "";
        }
        return root.Length > 0 ? System.IO.Path.Combine(root, "attnkernels") : null;
    }

    private static bool Try(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return false;
        }
    }
}
