using System.Runtime.InteropServices;

namespace AttnKernels.Bench.Measure;

/// <summary>
/// Pins threads to processors (Linux; elsewhere nothing is pinned). Two threads of a pool that wake on one core run at half speed until
/// the scheduler notices, which can double a millisecond's work: peers are measured with every thread on a core of its own.
/// </summary>
public static partial class Affinity
{
    private const int MaskWords = 16;
    private static readonly int[] Allowed = ReadAllowed();

    /// <summary>Whether this system can pin.</summary>
    public static bool IsSupported => Allowed.Length > 0;

    /// <summary>The processors that the process may use, by number.</summary>
    public static IReadOnlyList<int> Processors => Allowed;

    /// <summary>Pins the calling thread to the <paramref name="index"/>-th allowed processor.</summary>
    public static void Pin(int index)
    {
        if (IsSupported) Set([Allowed[index % Allowed.Length]]);
    }

    /// <summary>Lets the calling thread run on every allowed processor again.</summary>
    public static void Unpin()
    {
        if (IsSupported) Set(Allowed);
    }

    private static unsafe void Set(ReadOnlySpan<int> processors)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        foreach (int p in processors) mask[p / 64] |= 1UL << (p % 64);
        _ = SchedSetAffinity(0, MaskWords * sizeof(ulong), mask);
    }

    private static unsafe int[] ReadAllowed()
    {
        if (!OperatingSystem.IsLinux()) return [];
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        if (SchedGetAffinity(0, MaskWords * sizeof(ulong), mask) < 0) return [];
        var found = new List<int>();
        for (int p = 0; p < MaskWords * 64; p++)
            if ((mask[p / 64] >> (p % 64) & 1) != 0) found.Add(p);
        return [.. found];
    }

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static unsafe partial int SchedSetAffinity(int thread, nint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static unsafe partial int SchedGetAffinity(int thread, nint size, ulong* mask);
}
