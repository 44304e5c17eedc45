using System.Runtime.InteropServices;

namespace AttnKernels.Simd;

/// <summary>
/// Native memory on the boundary of a cache line. Large blocks ask Linux for pages of 2 MB, which most distributions give to those who ask
/// ("madvise"): streams then cross fewer pages, and rows that lie far apart cost fewer walks through the page tables.
/// </summary>
internal static unsafe class AlignedMemory
{
    /// <summary>A cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    private const int LargePage = 2 << 20;
    private const int AdviseHugePage = 14; // MADV_HUGEPAGE

    /// <summary>int madvise(void* address, size_t length, int advice), or null.</summary>
    private static readonly delegate* unmanaged<void*, nuint, int, int> advise = FindAdvise();

    /// <summary>Memory that nobody has written yet; <see cref="Free"/> gives it back.</summary>
    /// <exception cref="OutOfMemoryException">There is not so much.</exception>
    public static void* Allocate(long bytes)
    {
        if (advise == null || bytes < 2L * LargePage) return NativeMemory.AlignedAlloc((nuint)bytes, Alignment);
        void* memory = NativeMemory.AlignedAlloc((nuint)bytes, LargePage);
        _ = advise(memory, (nuint)bytes, AdviseHugePage); // refused, the pages are small ones
        return memory;
    }

    public static void Free(void* memory) => NativeMemory.AlignedFree(memory);

    private static delegate* unmanaged<void*, nuint, int, int> FindAdvise()
    {
        nint function = 0;
        bool found = OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc", typeof(AlignedMemory).Assembly, null, out nint library)
            && NativeLibrary.TryGetExport(library, "madvise", out function);
        return found ? (delegate* unmanaged<void*, nuint, int, int>)function : null;
    }
}
