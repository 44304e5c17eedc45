namespace AttnKernels.Verification;

/// <summary>
/// What a score modifier means, in double. Which keys it hides must not depend on the score, or a rounding error could decide about a key.
/// </summary>
public abstract record ModifierReference
{
    /// <summary>What the modifier looks up, or null.</summary>
    public virtual HostTensor? Floats => null;

    /// <summary>The integers that it looks up, or null.</summary>
    public virtual HostTensor? Ints => null;

    /// <summary>Most that the result changes where the score changes by 1.</summary>
    public virtual double Slope => 1;

    /// <summary>Whether the modifier returns minus infinity; <paramref name="aligned"/> is the key on the query's diagonal.</summary>
    public virtual bool Hides(int b, int h, int i, int j, int aligned) => false;

    /// <summary>The modified score, and how large its terms are: its rounding error in fp32 is at most 2^-21 of that.</summary>
    public virtual (double Score, double Magnitude) Modify(double score, int b, int h, int i, int j, int aligned) => (score, 0);
}
