namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>bra.</summary>
/// <param name="target">The instruction where the lanes that branch go on.</param>
/// <param name="join">Where lanes that part here meet again.</param>
/// <param name="isUniform">.uni: all lanes that are here branch, or none.</param>
internal sealed class Branch(int target, int join, bool isUniform) : Operation
{
    public override void Execute(Warp warp, uint lanes) => warp.Branch(lanes, target, join, isUniform);
}

/// <summary>ret.</summary>
internal sealed class Return : Operation
{
    public override void Execute(Warp warp, uint lanes) => warp.End(lanes);
}

/// <summary>bar.sync.</summary>
internal class GroupBarrier : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        warp.RequireAll(lanes);
        warp.Waiting = this;
    }

    /// <summary>All warps have come.</summary>
    public virtual void Release(Warp[] warps)
    {
    }
}

/// <summary>bar.red.or.pred: whether any lane of the group had it.</summary>
internal sealed class AnyBarrier(int d, int a) : GroupBarrier
{
    public override void Release(Warp[] warps)
    {
        bool any = Array.Exists(warps, warp => Mask(warp, a) != 0);
        foreach (Warp warp in warps) warp.Values(d).Fill(any ? 1UL : 0);
    }
}
