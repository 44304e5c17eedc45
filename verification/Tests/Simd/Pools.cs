using AttnKernels.Simd;

namespace AttnKernels.Tests.Simd;

/// <summary>The thread pools that tests share.</summary>
internal static class Pools
{
    public static readonly SimdWorkers[] ByThreads = [new(1), new(2), new(5)];

    /// <summary>Every width below the machine's best.</summary>
    public static readonly SimdWorkers[] ByWidth =
        [.. Enum.GetValues<SimdWidth>().Where(width => width < ByThreads[0].Width).Select(width => new SimdWorkers(2) { Width = width })];
}
