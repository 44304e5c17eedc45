using System.Reflection;
using System.Runtime.InteropServices;

namespace AttnKernels.Bench.Peers.OpenBlas;

/// <summary>The OpenBLAS shared library of the system, where there is one.</summary>
internal static unsafe class OpenBlasLibrary
{
    /// <summary>How to get it, for the report.</summary>
    public const string HowToGet = "install libopenblas.so.0 (Debian: apt-get install libopenblas0-pthread)";

    private const int RowMajor = 101;
    private const int NoTranspose = 111;
    private const int Transposed = 112;

    private static readonly delegate* unmanaged<int, void> SetThreadsFunction;
    private static readonly delegate* unmanaged<
        int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void> Sgemm;

    static OpenBlasLibrary()
    {
        // The plain libblas.so.3 of a distribution may be the slow reference BLAS, so only OpenBLAS's own name is tried.
        foreach (string name in (string[])["libopenblas.so.0", "libopenblas.dll", "libopenblas.0.dylib"])
        {
            if (!NativeLibrary.TryLoad(name, Assembly.GetExecutingAssembly(), null, out nint library)) continue;
            if (!NativeLibrary.TryGetExport(library, "openblas_set_num_threads", out nint setThreads)) continue;
            if (!NativeLibrary.TryGetExport(library, "cblas_sgemm", out nint sgemm)) continue;
            SetThreadsFunction = (delegate* unmanaged<int, void>)setThreads;
            Sgemm = (delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)sgemm;
            if (NativeLibrary.TryGetExport(library, "openblas_get_config", out nint config))
                Description = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<byte*>)config)())?.Trim() ?? "OpenBLAS";
            return;
        }
    }

    /// <summary>Whether the library was found.</summary>
    public static bool IsAvailable => Sgemm != null;

    /// <summary>Version and core, as the library tells them.</summary>
    public static string Description { get; } = "OpenBLAS";

    /// <summary>Threads that one call uses from now on.</summary>
    public static void SetThreads(int count) => SetThreadsFunction(count);

    /// <summary>C (m, n) = alpha A (m, k) op(B), row-major; B is (k, n), or (n, k) where <paramref name="transposeB"/>.</summary>
    public static void Multiply(
        int m, int n, int k, float alpha, float* a, int strideA, float* b, int strideB, bool transposeB, float* c, int strideC) =>
        Sgemm(RowMajor, NoTranspose, transposeB ? Transposed : NoTranspose, m, n, k, alpha, a, strideA, b, strideB, 0, c, strideC);
}
