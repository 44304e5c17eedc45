namespace AttnKernels.Simulation;

/// <summary>Tells the machine that a lane's access to an element is atomic, so that it is no race with other atomic ones.</summary>
internal static class AtomicMark
{
    public static void Before<T>(ref T target)
        where T : unmanaged
    {
    }

    public static void After<T>(ref T target)
        where T : unmanaged
    {
    }
}
