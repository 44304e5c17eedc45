using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AttnKernels.Bench.Measure;

/// <summary>What the numbers were measured on.</summary>
public sealed record Machine(string Processor, int Processors, long LastLevelCacheBytes, string VectorWidth, string Runtime, string System)
{
    private const long DefaultCacheBytes = 32L << 20;

    /// <summary>This machine.</summary>
    public static Machine Current { get; } = new(
        ReadProcessorName(),
        Affinity.IsSupported ? Affinity.Processors.Count : Environment.ProcessorCount,
        ReadLastLevelCache(),
        Vector512.IsHardwareAccelerated ? "512-bit vectors" : Vector256.IsHardwareAccelerated ? "256-bit vectors" : "128-bit vectors",
        RuntimeInformation.FrameworkDescription,
        RuntimeInformation.OSDescription);

    /// <summary>One line for reports.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Processor}, {Processors} processors, {VectorWidth}, {LastLevelCacheBytes >> 20} MB last-level cache, {Runtime}, {System}");

    private static string ReadProcessorName()
    {
        if (File.Exists("/proc/cpuinfo"))
        {
            string? line = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal));
            if (line is not null) return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? RuntimeInformation.ProcessArchitecture.ToString();
    }

    private static long ReadLastLevelCache()
    {
        const string folder = "/sys/devices/system/cpu/cpu0/cache";
        if (!Directory.Exists(folder)) return DefaultCacheBytes;
        long largest = 0;
        foreach (string file in Directory.EnumerateDirectories(folder, "index*").Select(d => Path.Combine(d, "size")).Where(File.Exists))
        {
            string size = File.ReadAllText(file).Trim();
            long unit = size.EndsWith('K') ? 1L << 10 : size.EndsWith('M') ? 1L << 20 : 1;
            if (long.TryParse(size.TrimEnd('K', 'M'), CultureInfo.InvariantCulture, out long value))
                largest = Math.Max(largest, value * unit);
        }
        return largest > 0 ? largest : DefaultCacheBytes;
    }
}
