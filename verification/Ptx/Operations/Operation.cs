namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>A decoded instruction.</summary>
internal abstract class Operation
{
    /// <summary>As it is written.</summary>
    public PtxInstruction Source { get; private set; } = null!;

    private int guard = -1;
    private bool isNegated;

    public Operation From(PtxInstruction source, OperandTable operands)
    {
        Source = source;
        if (source.Guard is { } predicate) (guard, isNegated) = (operands.Slot(predicate), source.IsNegated);
        return this;
    }

    /// <summary>The lanes whose guard lets them execute it.</summary>
    public uint Guarded(Warp warp) => guard < 0 ? uint.MaxValue : isNegated ? ~Mask(warp, guard) : Mask(warp, guard);

    /// <summary>Executes it in those lanes, one at least.</summary>
    /// <exception cref="PtxFaultException">What must not happen did.</exception>
    public abstract void Execute(Warp warp, uint lanes);

    /// <summary>A predicate of all lanes as bits.</summary>
    protected static uint Mask(Warp warp, int predicate)
    {
        uint mask = 0;
        Span<ulong> values = warp.Values(predicate);
        for (int lane = 0; lane < values.Length; lane++) mask |= (uint)(values[lane] & 1) << lane;
        return mask;
    }

    protected static bool Has(uint lanes, int lane) => (lanes >> lane & 1) != 0;
}
