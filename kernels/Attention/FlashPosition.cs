namespace AttnKernels.Kernels;

/// <summary>Where a tile lies, and which keys its rows may see.</summary>
public struct FlashPosition
{
    public int B, H, SeqQ, KeyLength, Shift;

    /// <summary>The row of query 0, and the position of key 0, of sources with sequences.</summary>
    public int QueryRow, FirstPosition;
    public KeyBand Band;

    /// <summary>Whose rows the tile has: those of as many heads from H on.</summary>
    public TileHeads Heads;

    /// <summary>
    /// The tile of <paramref name="br"/> query rows that group <paramref name="index"/> works on, from row i0 on. Groups start in the order
    /// of their index: section after section of heads, so that K and V are read while the device's cache holds them. Under a causal mask
    /// the last query tiles have the most keys: they come first in their section, so that the short ones fill the gaps.
    /// </summary>
    public static FlashPosition Of<T, TScore, TKeys>(
        in FlashArgs<T, TScore, TKeys> args, int index, int br, out KeyPlace keys, out int i0)
        where T : unmanaged
        where TScore : struct, IScoreRule
        where TKeys : struct, IKeySource
    {
        int heads = args.Batch * args.Heads.Tiled;
        int tiles = (args.SeqQ * args.Heads.Count + br - 1) / br;
        int firstHead = index / (args.SectionHeads * tiles) * args.SectionHeads;
        int section = Math.Min(args.SectionHeads, heads - firstHead);
        int group = index - firstHead * tiles;
        int order = group / section;
        int head = firstHead + group - order * section;
        i0 = (tiles - 1 - order) * br;
        int b = head / args.Heads.Tiled;
        return Of(args, b, (head - b * args.Heads.Tiled) * args.Heads.Count, out keys);
    }

    /// <summary>The queries of a head, and its keys.</summary>
    public static FlashPosition Of<T, TScore, TKeys>(in FlashArgs<T, TScore, TKeys> args, int b, int h, out KeyPlace keys)
        where T : unmanaged
        where TScore : struct, IScoreRule
        where TKeys : struct, IKeySource
    {
        FlashPosition at = default;
        at.Heads = args.Heads;
        at.B = b;
        at.H = h;
        at.SeqQ = args.SeqQ;
        at.Band = args.Band;
        at.KeyLength = args.SeqKv;
        if (args.HasKeyLengths != 0) at.KeyLength = Math.Min(args.SeqKv, Math.Max(0, args.KeyLengths[args.KeyLengthsOffset + at.B]));
        keys = args.Keys.Place(at.B, at.H / (args.HeadsQ / args.HeadsKv));
        if (TKeys.HasSequences)
            args.Keys.Narrow(ref at, ref keys, args.HasKeyLengths != 0 ? args.KeyLengths[args.KeyLengthsOffset + at.B] : args.SeqKv);
        at.Shift = args.Band.ShiftFor(at.SeqQ, at.KeyLength);
        if (TKeys.HasSequences && args.Band.FollowsEnd == 0) at.Shift -= at.FirstPosition;
        return at;
    }

    /// <summary>Rows of the queries of all heads of the tile.</summary>
    public readonly int Rows => SeqQ * Heads.Count;

    /// <summary>Elements in front of the rows that belong to the position, of Q or O.</summary>
    public readonly long Head<T, TKeys>(in HeadView<T> view)
        where T : unmanaged
        where TKeys : struct, IKeySource => TKeys.HasSequences ? view.Head(B, H) + QueryRow * view.RowStride : view.Head(B, H);

    /// <summary>The same of LSE, of head <paramref name="h"/>.</summary>
    public readonly long LseHead<T, TScore, TKeys>(in FlashArgs<T, TScore, TKeys> args, int h)
        where T : unmanaged
        where TScore : struct, IScoreRule
        where TKeys : struct, IKeySource
    {
        if (TKeys.HasSequences && args.PackedQ != 0) return args.LseOffset + (long)h * args.PackedQ + QueryRow;
        return args.LseOffset + ((long)B * args.HeadsQ + h) * args.SeqQ;
    }
}

/// <summary>The rows I0 .. ILast of a tile and the keys [First, End) that they see; all of them see [FirstOfLast, EndOfFirst).</summary>
public struct TileSpan
{
    public int I0, ILast, First, End, FirstOfLast, EndOfFirst;

    /// <summary>The band's ends grow with the row, so the first and last rows of the tile bound all of them.</summary>
    public static TileSpan Of(in FlashPosition at, int i0, int br)
    {
        TileSpan span = default;
        span.I0 = i0;
        span.ILast = Math.Min(i0 + br, at.Rows) - 1;
        int first = at.Heads.Query(i0), last = at.Heads.Query(span.ILast);
        span.First = at.Band.First(first, at.Shift);
        span.End = at.Band.End(last, at.Shift, at.KeyLength);
        span.FirstOfLast = at.Band.First(last, at.Shift);
        span.EndOfFirst = at.Band.End(first, at.Shift, at.KeyLength);
        return span;
    }

    /// <summary>Leaves out keys outside [first, end); first is where a tile of keys begins.</summary>
    public void Keep(int first, int end)
    {
        First = Math.Max(First, first);
        End = Math.Min(End, end);
        EndOfFirst = Math.Min(EndOfFirst, end);
    }
}
