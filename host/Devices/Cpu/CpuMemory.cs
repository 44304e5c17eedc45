using System.Globalization;

namespace AttnKernels.Devices.Cpu;

/// <summary>How much memory this process may use. Linux hands out more than there is, so a big request is checked before it is
/// made.</summary>
internal static class CpuMemory
{
    // Below this a request is not checked: reading the system's figures costs more than the memory.
    private const long CheckedBytes = 64L << 20;

    /// <summary>Memory of the machine, or of the container.</summary>
    public static long Total => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Bytes still free, as far as the system tells.</summary>
    public static long Free()
    {
        long free = Math.Max(0, Total - Environment.WorkingSet);
        return LinuxAvailable() is { } available ? Math.Min(free, available) : free;
    }

    /// <summary>Refuses what cannot fit.</summary>
    public static void RequireFree(string device, long bytes)
    {
        if (bytes < CheckedBytes) return;
        long free = Free();
        if (bytes > free) throw new DeviceMemoryException(device, bytes, free);
    }

    private static long? LinuxAvailable()
    {
        const string Path = "/proc/meminfo";
        if (!OperatingSystem.IsLinux() || !File.Exists(Path)) return null;
        foreach (string line in File.ReadLines(Path))
        {
            if (!line.StartsWith("MemAvailable:", StringComparison.Ordinal)) continue;
            string kib = line["MemAvailable:".Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
            return long.Parse(kib, CultureInfo.InvariantCulture) << 10;
        }
        return null;
    }
}
