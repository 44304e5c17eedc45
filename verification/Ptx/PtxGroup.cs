using System.Runtime.CompilerServices;
using AttnKernels.Verification.Ptx.Operations;

namespace AttnKernels.Verification.Ptx;

/// <summary>Runs groups of one launch, one after the other: its warps take turns from barrier to barrier.</summary>
internal sealed unsafe class PtxGroup
{
    private readonly IReadOnlyList<GlobalMemory.Range> ranges;
    private readonly Warp[] warps;
    private readonly byte[] parameters;
    private int lastRange;

    public PtxGroup(PtxProgram program, int size, byte[] parameters, int sharedBytes, IReadOnlyList<GlobalMemory.Range> memory)
    {
        (Program, Size, this.parameters) = (program, size, parameters);
        ranges = memory;
        Shared = new SharedMemory(sharedBytes, size);
        warps = new Warp[(size + Warp.Lanes - 1) / Warp.Lanes];
        for (int n = 0; n < warps.Length; n++) warps[n] = new Warp(this, n);
    }

    public PtxProgram Program { get; }

    /// <summary>Lanes.</summary>
    public int Size { get; }

    /// <summary>The place in the grid of the group that runs.</summary>
    public int Index { get; private set; }

    public SharedMemory Shared { get; }

    public ReadOnlySpan<byte> Parameters => parameters;

    /// <exception cref="PtxFaultException">The kernel did what it must not.</exception>
    public void Run(int index)
    {
        Index = index;
        Shared.Start();
        foreach (Warp warp in warps) warp.Start();
        while (Array.Exists(warps, warp => warp.Living != 0))
        {
            // Every other group from the last warp on: no order is promised.
            for (int n = 0; n < warps.Length; n++) Run(warps[index % 2 == 0 ? n : warps.Length - 1 - n]);
            Release();
        }
    }

    /// <summary>Where a lane reads or writes, for which it must be aligned to its size and belong to someone.</summary>
    public byte* Global(ulong address, int bytes)
    {
        if (address % (uint)bytes != 0)
            throw new PtxFaultException($"accesses {bytes} bytes at 0x{address:x}, which is not aligned to them");
        if (ranges.Count > 0 && Holds(ranges[lastRange], address, bytes)) return (byte*)address;
        for (int n = 0; n < ranges.Count; n++)
        {
            if (!Holds(ranges[n], address, bytes)) continue;
            lastRange = n;
            return (byte*)address;
        }
        throw new PtxFaultException($"accesses {bytes} bytes at 0x{address:x}, which are no buffer's");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Holds(GlobalMemory.Range range, ulong address, int bytes) =>
        address >= range.Start && address <= range.End && range.End - address >= (uint)bytes;

    private void Run(Warp warp)
    {
        try
        {
            warp.Run();
        }
        catch (Exception e) when (e is PtxFaultException or IndexOutOfRangeException or ArgumentOutOfRangeException)
        {
            throw new PtxFaultException($"group {Index}, warp {warp.Number}, {warp.Current?.Source}: {e.Message}");
        }
    }

    /// <summary>All warps have run as far as they can: they wait at one barrier, or all have ended.</summary>
    private void Release()
    {
        GroupBarrier? barrier = Array.Find(warps, warp => warp.Waiting is not null)?.Waiting;
        if (barrier is null) return;
        foreach (Warp warp in warps)
        {
            if (warp.Waiting == barrier) continue;
            string instead = warp.Waiting is { } other ? $"waits at {other.Source}" : "has ended";
            throw new PtxFaultException($"group {Index}: a warp waits at {barrier.Source}, but warp {warp.Number} {instead}");
        }
        barrier.Release(warps);
        foreach (Warp warp in warps) warp.Waiting = null;
        Shared.PassBarrier();
    }
}
