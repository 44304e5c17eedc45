using System.Runtime.InteropServices;

namespace AttnKernels.Simd;

/// <summary>
/// Native memory on the boundary of a cache line. Large blocks ask Linux for pages of 2 MB, which most distributions give to those who ask
/// ("madvise"): streams then cross fewer pages, and rows that lie far apart cost fewer walks through the page tables.
/// </summary>
internal static unsafe partial class AlignedMemory
{
    /// <summary>A cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    private const int LargePage = 2 << 20;
    private const int AdviseHugePage = 14; // MADV_HUGEPAGE

    private static bool canAdvise = OperatingSystem.IsLinux();

    /// <summary>Memory that nobody has written yet; <see cref="Free"/> gives it back.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public static void* Allocate(long bytes)
    {
        if (!canAdvise || bytes < 2L * LargePage) return NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, LargePage);
        try
        {
            _ = Advise(memory, (nuint)bytes, AdviseHugePage); // refused, the pages are small ones
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException)
        {
            canAdvise = false;
        }

        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* memory, nuint bytes, int advice);
}
