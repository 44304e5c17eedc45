namespace AttnKernels.Kernels;

/// <summary>
/// The order of FlashForward's groups. Those that run at the same time should read the same K and V, while they are in the device's cache;
/// and where later query tiles have more keys, long ones should start first, which needs tiles of many heads to choose from.
/// </summary>
internal static class HeadSections
{
    /// <summary>Query heads that are worked on side by side, a multiple of those that share a key head.</summary>
    public static int Heads(AttentionProblem problem, DeviceInfo device)
    {
        int all = problem.Batch * problem.HeadsQ;
        int shared = problem.HeadsQ / problem.HeadsKv;
        // A bias or a mask of all heads is larger than their keys: it is what should be read once.
        if (problem.Bias || problem.Mask) return all;
        bool grows = problem.Band is { Right: < KeyBand.Unlimited, Left: KeyBand.Unlimited };
        if (!grows) return shared;
        long bytes = (long)problem.SeqKv * (problem.HeadDim + problem.HeadDimV) * problem.KvType.Size();
        long fit = device.CacheBytes / 2 / bytes; // half of it, beside Q, O and the heads that come next
        return (int)Math.Clamp(fit * shared, shared, all);
    }
}
