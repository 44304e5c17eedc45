using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What FlashForward receives. Shapes: Q (batch, headsQ, seqQ, headDim), K (batch, headsKv, seqKv, headDim), V (batch, headsKv, seqKv,
/// headDimV).
/// </summary>
public struct FlashArgs<T, TScore, TKeys>
    where T : unmanaged
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeySource
{
    public HeadView<T> Q, O;

    /// <summary>K and V.</summary>
    public TKeys Keys;

    /// <summary>(batch, headsQ, seqQ), written where <see cref="HasLse"/> is 1.</summary>
    public ArrayView<float> Lse;
    public long LseOffset;

    /// <summary>(batch) visible keys, read where <see cref="HasKeyLengths"/> is 1.</summary>
    public ArrayView<int> KeyLengths;
    public long KeyLengthsOffset;
    public int HasLse, HasKeyLengths;

    public int Batch, HeadsQ, HeadsKv, SeqQ, SeqKv, HeadDim, HeadDimV;

    /// <summary>Whose rows a tile has; FlashForward's have those of one head.</summary>
    public TileHeads Heads;

    /// <summary>Heads, or all that share a tile, of all batch entries, that are worked on side by side: 1 to batch * Heads.Tiled.</summary>
    public int SectionHeads;

    /// <summary>The workspace of kernels that split the keys.</summary>
    public SplitParts Parts;

    /// <summary>
    /// Rows of a head of Q, O and LSE where the sequences of the batch are packed, one after the other; else 0. Read where the source of
    /// keys has sequences.
    /// </summary>
    public int PackedQ;
    public KeyBand Band;
    public TScore Score;
}

/// <summary>
/// Fused attention: O = softmax(score(Q K^T)) V and LSE, one pass over the keys with the online softmax, no seqQ x seqKv buffer
/// (Dao et al., FlashAttention-2, algorithm 1).
/// Grid: Tr * headsQ * batch groups; group: TTile.GroupSize lanes; shared: FlashTile.SharedBytes.
/// </summary>
public static class FlashForward<T, TElement, TTile, TRows, TScore, TKeys>
    where T : unmanaged
    where TElement : struct, IElement<T>
    where TTile : struct, IFlashTile
    where TRows : struct, IFlashRows
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeySource
{
    private static int Br => FlashTile<TTile>.Br;

    private static int Bc => FlashTile<TTile>.Bc;

    private static int HeadStride => FlashTile<TTile>.HeadStride;

    private static int ScoreStride => FlashTile<TTile>.ScoreStride;

    public static void Kernel(FlashArgs<T, TScore, TKeys> args)
    {
        ArrayView<F4> sQ = SharedMemory.Allocate<F4>(FlashTile<TTile>.Br * FlashTile<TTile>.HeadStride);
        ArrayView<F4> sKV = SharedMemory.Allocate<F4>(FlashTile<TTile>.Bc * FlashTile<TTile>.HeadStride);
        ArrayView<F4> sP = SharedMemory.Allocate<F4>(FlashTile<TTile>.Br * FlashTile<TTile>.ScoreStride);
        ArrayView<F4> sRow = SharedMemory.Allocate<F4>(FlashTile<TTile>.Br * FlashTile<TTile>.RowStride);

        int tx = Group.IdxX & (FlashTile<TTile>.LanesX - 1);
        int ty = Group.IdxX / FlashTile<TTile>.LanesX;
        FlashPosition at = FlashPosition.Of(args, Grid.IdxX, Br, out KeyPlace keys, out int i0);
        if (TKeys.HasSequences && i0 >= at.SeqQ) return; // the tiles are those of the longest sequence

        TileSpan span = TileSpan.Of(at, i0, Br);
        int first = span.First, end = span.End;

        RowCopy.LoadTile<T, TElement>(
            args.Q, at.Head<T, TKeys>(args.Q), i0, Br, 0, at.SeqQ, args.HeadDim, FlashTile<TTile>.HeadDim, sQ, HeadStride);
        if (TKeys.HasVectors) args.Keys.ChangeQueries(at, i0, Br, args.HeadDim, sQ, HeadStride, sRow);
        TRows rows = default;
        rows.Clear();

        for (int j = first - first % Bc; j < end; j += Bc)
        {
            if (TScore.IsGeneral && args.Score.HidesTile(at.B, at.H, 1, i0, span.ILast, j, Math.Min(j + Bc, end) - 1)) continue;
            Group.Barrier(); // sKV and sP: the previous tile has been read
            args.Keys.LoadKeys(keys, j, Bc, first, end, args.HeadDim, FlashTile<TTile>.HeadDim, sKV, HeadStride);
            Group.Barrier(); // sKV holds K_j, sQ holds Q_i
            if (TKeys.HasVectors) args.Keys.ChangeKeys(at, keys, j, Bc, end, args.HeadDim, sKV, HeadStride, sRow);

            bool isWhole = !TScore.IsPointwise && j >= span.FirstOfLast && j + Bc <= span.EndOfFirst;
            Scores(ref rows, sQ, sKV, tx, ty, args.HeadDim);
            if (!isWhole) rows.ApplyScore(args.Score, at, i0 + ty, j + tx);
            rows.StoreMaxima(sRow.Floats(ty * FlashTile<TTile>.LanesX + tx));
            Group.Barrier(); // sRow holds the partial maxima, K_j has been read

            args.Keys.LoadValues(keys, j, Bc, first, end, args.HeadDimV, FlashTile<TTile>.HeadDim, sKV, HeadStride);
            rows.Exponentiate(args.Score.Log2Factor, sRow.From(ty * FlashTile<TTile>.RowStride), sP.Floats(4 * ty * ScoreStride + tx));
            Group.Barrier(); // sKV holds V_j, sP holds P_ij

            if (isWhole) AddValues<PlainMultiply>(ref rows, sP, sKV, tx, ty);
            else AddValues<ZeroHidesMultiply>(ref rows, sP, sKV, tx, ty);
        }

        // The barrier before O += P V came after the last read of the maxima in sRow.
        rows.StoreSums(sRow.Floats(ty * FlashTile<TTile>.LanesX + tx));
        Group.Barrier(); // sRow holds the partial sums
        FlashOutput<T> output = Output(args, at, tx);
        rows.Write<T, TElement, TScore>(output, sRow.From(ty * FlashTile<TTile>.RowStride), i0 + ty);
    }

    /// <summary>
    /// S = Q K^T: a lane multiplies its rows of sQ with rows tx, tx + LanesX, ... of sK, four elements of the head dim a step.
    /// </summary>
    private static void Scores(ref TRows rows, ArrayView<F4> sQ, ArrayView<F4> sK, int tx, int ty, int headDim)
    {
        int step = FlashTile<TTile>.LanesX * HeadStride;
        rows.ClearScores();
        int vectors = (headDim + 3) / 4;
        for (int d = 0; d < vectors; d++)
        {
            ArrayView<F4> keys = sK.From(tx * HeadStride + d);
            F4 k0 = keys[0];
            F4 k1 = default, k2 = default, k3 = default;
            if (TTile.Keys > 1) k1 = keys[step];
            if (TTile.Keys > 2) k2 = keys[2 * step];
            if (TTile.Keys > 2) k3 = keys[3 * step];
            rows.AddDots(sQ.From(ty * HeadStride + d), k0, k1, k2, k3);
        }
    }

    /// <summary>O += P V, four keys a step.</summary>
    private static void AddValues<TMultiply>(ref TRows rows, ArrayView<F4> sP, ArrayView<F4> sV, int tx, int ty)
        where TMultiply : struct, IMultiply
    {
        for (int c = 0; c < Bc; c += 4)
        {
            ArrayView<F4> values = sV.From(c * HeadStride + tx);
            FlashValues v0 = FlashValues.Load<TTile>(values, 0);
            FlashValues v1 = FlashValues.Load<TTile>(values, HeadStride);
            FlashValues v2 = FlashValues.Load<TTile>(values, 2 * HeadStride);
            FlashValues v3 = FlashValues.Load<TTile>(values, 3 * HeadStride);
            rows.AddWeighted<TMultiply>(sP.From(ty * ScoreStride + c / 4), v0, v1, v2, v3);
        }
    }

    private static FlashOutput<T> Output(in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int tx)
    {
        FlashOutput<T> output = default;
        output.O = args.O;
        output.Head = at.Head<T, TKeys>(args.O);
        output.Lse = args.Lse;
        output.LseHead = at.LseHead(args, at.H);
        output.HasLse = args.HasLse;
        output.SeqQ = at.SeqQ;
        output.HeadDim = args.HeadDimV;
        output.Lane = tx;
        output.Log2Factor = args.Score.Log2Factor;
        output.Sink = args.Score.Sink(at.H);
        return output;
    }
}

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
    /// of their index: section after section of heads, so that K and V are read while the device's cache holds them. Under a causal mask the last query
    /// tiles have the most keys: they come first in their section, so that the short ones fill the gaps.
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

        FlashPosition at = default;
        at.Heads = args.Heads;
        at.B = head / args.Heads.Tiled;
        at.H = (head - at.B * args.Heads.Tiled) * args.Heads.Count;
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

/// <summary>Where a lane writes its rows.</summary>
public struct FlashOutput<T>
    where T : unmanaged
{
    public HeadView<T> O;
    public ArrayView<float> Lse;
    public long Head, LseHead;
    public int HasLse, SeqQ, HeadDim;

    /// <summary>The lane's place in its row, 0 .. LanesX-1.</summary>
    public int Lane;
    public float Log2Factor;

    /// <summary>See <see cref="IScoreRule.Sink"/>; read where the rule is general.</summary>
    public float Sink;
}
