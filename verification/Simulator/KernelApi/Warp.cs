using System.Runtime.CompilerServices;
using AttnKernels.Simulation;

namespace ILGPU;

/// <summary>The warp of the running lane.</summary>
/// <remarks>
/// A shuffle needs every lane of the warp at the same call; lanes elsewhere are reported. Up, down and xor give a lane its
/// own value where the source lies outside the warp (or the sub-warp), as CUDA does; a plain shuffle from there is reported.
/// </remarks>
public static class Warp
{
    /// <summary>Lanes of a warp.</summary>
    public static int WarpSize => Lane.Here.Runner.WarpSize;

    /// <summary>Number of the lane in its warp.</summary>
    public static int LaneIdx => Lane.Here.LaneInWarp;

    /// <summary>True for the first lane of the warp.</summary>
    public static bool IsFirstLane => LaneIdx == 0;

    /// <summary>True for the last lane of the warp.</summary>
    public static bool IsLastLane => LaneIdx == WarpSize - 1;

    /// <summary>Number of the warp in its group.</summary>
    public static int WarpIdx => Lane.Here.WarpIndex;

    /// <summary>Warp of a lane, given its number in the group.</summary>
    public static int ComputeWarpIdx(Index1D groupThreadIdx) => groupThreadIdx / WarpSize;

    /// <summary>Number in its warp of a lane, given its number in the group.</summary>
    public static int ComputeWarpThreadIdx(Index1D groupThreadIdx) => groupThreadIdx % WarpSize;

    /// <summary>Waits for all lanes of the warp and orders their memory accesses.</summary>
    public static void Barrier([CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        WarpCollective.Barrier(Lane.Here, file, line);

    /// <summary>The value of lane <paramref name="sourceLane"/>.</summary>
    public static T Shuffle<T>(T variable, int sourceLane, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.Shuffle(Lane.Here, variable, sourceLane, ownIfOutside: false, file, line);

    /// <summary>The value of the lane <paramref name="delta"/> further on.</summary>
    public static T ShuffleDown<T>(T variable, int delta, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.Shuffle(Lane.Here, variable, LaneIdx + delta, ownIfOutside: true, file, line);

    /// <summary>The value of the lane <paramref name="delta"/> before.</summary>
    public static T ShuffleUp<T>(T variable, int delta, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.Shuffle(Lane.Here, variable, LaneIdx - delta, ownIfOutside: true, file, line);

    /// <summary>The value of the lane whose number differs by the bits of <paramref name="mask"/>.</summary>
    public static T ShuffleXor<T>(T variable, int mask, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.Shuffle(Lane.Here, variable, LaneIdx ^ mask, ownIfOutside: true, file, line);

    /// <summary>The value of lane <paramref name="sourceLane"/> of each sub-warp of <paramref name="width"/> lanes.</summary>
    public static T Shuffle<T>(
        T variable, int sourceLane, int width, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.SubShuffle(Lane.Here, variable, sourceLane % width, width, file, line);

    /// <summary><see cref="ShuffleDown{T}(T, int, string, int)"/> inside sub-warps of <paramref name="width"/> lanes.</summary>
    public static T ShuffleDown<T>(
        T variable, int delta, int width, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.SubShuffle(Lane.Here, variable, LaneIdx % width + delta, width, file, line);

    /// <summary><see cref="ShuffleUp{T}(T, int, string, int)"/> inside sub-warps of <paramref name="width"/> lanes.</summary>
    public static T ShuffleUp<T>(
        T variable, int delta, int width, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.SubShuffle(Lane.Here, variable, LaneIdx % width - delta, width, file, line);

    /// <summary><see cref="ShuffleXor{T}(T, int, string, int)"/> inside sub-warps of <paramref name="width"/> lanes.</summary>
    public static T ShuffleXor<T>(
        T variable, int mask, int width, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.SubShuffle(Lane.Here, variable, (LaneIdx % width) ^ mask, width, file, line);

    /// <summary>The value of lane <paramref name="sourceLane"/>, which all lanes name alike.</summary>
    public static T Broadcast<T>(T value, int sourceLane, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged =>
        WarpCollective.Shuffle(Lane.Here, value, sourceLane, ownIfOutside: false, file, line);
}
