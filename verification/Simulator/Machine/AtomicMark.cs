using System.Runtime.CompilerServices;

namespace AttnKernels.Simulation;

/// <summary>Tells the machine that a lane's access to an element is atomic, so that it is no race with other atomic ones.</summary>
internal static unsafe class AtomicMark
{
    // The other arguments of the atomic operation may have accessed elements after the target was taken by reference.
    private const int MostAccessesBetween = 16;

    /// <param name="target">The element.</param>
    /// <param name="blind">True if the result does not depend on what was there.</param>
    public static void Set<T>(ref T target, bool blind)
        where T : unmanaged
    {
        if (Lane.Current is not { } lane)
            return;
        var address = (byte*)Unsafe.AsPointer(ref target);
        AccessRecord* records = lane.Log.Start;
        int count = lane.Log.Count;
        for (int i = count - 1; i >= Math.Max(0, count - MostAccessesBetween); i--)
        {
            if (records[i].Address != address)
                continue;
            records[i].Flags |= blind ? AccessFlags.Atomic | AccessFlags.Blind : AccessFlags.Atomic;
            return;
        }
    }
}
