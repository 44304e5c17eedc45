using System.Runtime.CompilerServices;

namespace AttnKernels;

/// <summary>
/// The keys that a query row may see, as far as indices alone decide it: causal masks, windows and key lengths all make
/// one interval [First, End) of keys a row, so one struct holds every combination of them. Used by all kernels; blittable.
/// </summary>
/// <remarks>
/// Key i + shift is the one aligned with query i; shift is <see cref="Shift"/>, plus keyLength - seqQ where
/// <see cref="FollowsEnd"/> is 1 (the last query is aligned with the last key). Query i sees the keys from i + shift - Left
/// to i + shift + Right, both included, that lie in [0, keyLength). Causal is Right = 0.
/// </remarks>
public readonly struct KeyBand
{
    /// <summary>A <see cref="Left"/> or <see cref="Right"/> that limits nothing.</summary>
    public const int Unlimited = 1 << 30;

    /// <summary>Offset of the aligned key, in keys.</summary>
    public readonly int Shift;

    /// <summary>1 where the alignment follows the end of the keys (bottom-right), else 0.</summary>
    public readonly int FollowsEnd;

    /// <summary>How many keys before the aligned one are visible.</summary>
    public readonly int Left;

    /// <summary>How many keys after the aligned one are visible.</summary>
    public readonly int Right;

    /// <summary>A band around the diagonal that <paramref name="shift"/> and <paramref name="followsEnd"/> place.</summary>
    public KeyBand(int shift, bool followsEnd, int left, int right)
    {
        Shift = shift;
        FollowsEnd = followsEnd ? 1 : 0;
        Left = left;
        Right = right;
    }

    /// <summary>Every key is visible.</summary>
    public static KeyBand All => new(0, false, Unlimited, Unlimited);

    /// <summary>The band where key 0 is the one at <paramref name="position"/>.</summary>
    public KeyBand From(int position) => FollowsEnd != 0 ? this : new KeyBand(Shift - position, false, Left, Right);

    /// <summary>The shift of a sequence with <paramref name="seqQ"/> queries and <paramref name="keyLength"/> keys.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ShiftFor(int seqQ, int keyLength) => Shift + FollowsEnd * (keyLength - seqQ);

    /// <summary>The first key that query <paramref name="i"/> sees.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int First(int i, int shift) => Left >= Unlimited ? 0 : Math.Max(0, i + shift - Left);

    /// <summary>One past the last key that query <paramref name="i"/> sees; no key is visible where it is not above First.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int End(int i, int shift, int keyLength) =>
        Right >= Unlimited ? keyLength : Math.Max(0, Math.Min(keyLength, i + shift + Right + 1));
}
