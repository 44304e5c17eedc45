namespace AttnKernels;

/// <summary>
/// Which key counts as the neighbour of query 0, and so where the diagonal of a causal mask, of a window or of ALiBi lies when
/// queries and keys differ in number. Key i + shift is aligned with query i.
/// </summary>
public readonly record struct BandAlignment
{
    private BandAlignment(int offset, bool followsEnd) => (Offset, FollowsEnd) = (offset, followsEnd);

    /// <summary>Offset in keys: shift = Offset, plus (keyLength - seqQ) where <see cref="FollowsEnd"/>.</summary>
    public int Offset { get; }

    /// <summary>Whether the last query is aligned with the last key (of each batch entry, where key lengths are given).</summary>
    public bool FollowsEnd { get; }

    /// <summary>Query 0 is aligned with key 0 (shift = 0).</summary>
    public static BandAlignment TopLeft => default;

    /// <summary>The last query is aligned with the last visible key (shift = keyLength - seqQ): decoding with a cache.</summary>
    public static BandAlignment BottomRight => new(0, true);

    /// <summary>Query 0 is aligned with key <paramref name="offset"/> (shift = offset): a chunk of a longer sequence.</summary>
    public static BandAlignment At(int offset) => new(offset, false);

    /// <inheritdoc/>
    public override string ToString() => FollowsEnd ? "BottomRight" : Offset == 0 ? "TopLeft" : $"At({Offset})";
}
