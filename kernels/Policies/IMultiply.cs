namespace AttnKernels.Kernels;

/// <summary>What a weight of exactly 0 does to the element that it multiplies.</summary>
public interface IMultiply
{
    /// <summary>True: the element is hidden, whatever bits it holds. False: 0 * NaN is NaN, as usual.</summary>
    static abstract bool ZeroHides { get; }
}

/// <summary>Ordinary arithmetic.</summary>
public readonly struct PlainMultiply : IMultiply
{
    public static bool ZeroHides => false;
}

/// <summary>For attention weights beside a mask: a masked key's weight is 0, and its value must not reach the result.</summary>
public readonly struct ZeroHidesMultiply : IMultiply
{
    public static bool ZeroHides => true;
}
