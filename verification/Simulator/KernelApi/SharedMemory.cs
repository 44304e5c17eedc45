using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>Memory that the lanes of a group share.</summary>
/// <remarks>
/// The n-th allocation of every lane is one array; lanes that disagree about its type or length are reported. The memory
/// holds NaN patterns until a lane writes it.
/// </remarks>
public static class SharedMemory
{
    /// <summary>One shared element.</summary>
    public static ref T Allocate<T>([CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        ref Lane.Here.AllocateShared<T>(1, file, line)[0, file, line];

    /// <summary>A shared array of <paramref name="extent"/> elements, aligned to 16 bytes.</summary>
    public static ArrayView<T> Allocate<T>(int extent, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        Lane.Here.AllocateShared<T>(extent, file, line);

    /// <summary>The dynamic shared memory of the launch; all calls give the same bytes.</summary>
    public static ArrayView<T> GetDynamic<T>()
        where T : unmanaged =>
        Lane.Here.DynamicShared<T>();
}
