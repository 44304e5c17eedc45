namespace AttnKernels;

/// <summary>Whether keys after the aligned one are hidden, and what "aligned" means. See <see cref="BandAlignment"/>.</summary>
public readonly record struct CausalMask
{
    private CausalMask(BandAlignment alignment) => Alignment = alignment;

    /// <summary>The alignment, or null: not causal.</summary>
    public BandAlignment? Alignment { get; }

    /// <summary>Not causal.</summary>
    public static CausalMask None => default;

    /// <summary>Query i sees keys 0..i.</summary>
    public static CausalMask TopLeft => new(BandAlignment.TopLeft);

    /// <summary>Query i sees keys 0..i + keyLength - seqQ: the last query sees every key.</summary>
    public static CausalMask BottomRight => new(BandAlignment.BottomRight);

    /// <summary>Query i sees keys 0..i + offset.</summary>
    public static CausalMask At(int offset) => new(BandAlignment.At(offset));

    /// <inheritdoc/>
    public override string ToString() => Alignment is { } alignment ? alignment.ToString() : "None";
}
