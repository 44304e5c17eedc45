using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Fused attention on tensor cores: O = softmax(score(Q K^T)) V and LSE in one pass over the keys (Dao, FlashAttention-2, algorithm 1).
/// A warp owns 16 or 32 query rows; its S, P and O stay in registers. V_j travels to shared memory while S = Q K_j^T is multiplied, K of
/// the next tile while O += P V_j is. Tiles that no mask cuts have a loop of their own. A tile has the rows of one head, or of all that
/// share a key head; of split keys a group takes one split and leaves m, l and O to MergeParts.
/// Grid: Tr * Heads.Tiled * batch * splits groups; group: 128 lanes; shared: TensorFlashTile.SharedBytes.
/// </summary>
public static class TensorFlashForward<T, TFormat, TTile, TScores, TOutput, TScore, TKeys>
    where T : unmanaged
    where TFormat : struct, ITensorFormat
    where TTile : struct, ITensorTile
    where TScores : struct, ITensorColumns<TFormat>
    where TOutput : struct, ITensorColumns<TFormat>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyTiles
{
    private static int Br => TensorFlashTile<TFormat, TTile, TScores, TOutput>.Br;

    private static int Bc => TensorFlashTile<TFormat, TTile, TScores, TOutput>.Bc;

    private static int Chunks => TensorFlashTile<TFormat, TTile, TScores, TOutput>.Chunks;

    private static int Lanes => TensorFlashTile<TFormat, TTile, TScores, TOutput>.GroupSize;

    /// <summary>The first of the warp's rows in the tile.</summary>
    private static int WarpRow => Group.IdxX / 32 * TensorFlashTile<TFormat, TTile, TScores, TOutput>.WarpRows;

    /// <summary>The lane's row in a block of 16; it has the row 8 below, too.</summary>
    private static int LaneRow => (Group.IdxX & 31) / 4;

    public static void Kernel(FlashArgs<T, TScore, TKeys> args)
    {
        ArrayView<U4> sK = SharedMemory.Allocate<U4>(Bc * Chunks);
        ArrayView<U4> sV = SharedMemory.Allocate<U4>(Bc * Chunks);
        ArrayView<U4> sQ = SharedMemory.Allocate<U4>(Br * Chunks);
        int split = Grid.IdxX / args.Parts.Groups;
        FlashPosition at = FlashPosition.Of(args, Grid.IdxX - split * args.Parts.Groups, Br, out KeyPlace place, out int i0);
        if (TKeys.HasSequences && i0 >= at.Rows) return; // the tiles are those of the longest sequence

        TileSpan span = TileSpan.Of(at, i0, Br);
        span.Keep(split * args.Parts.Keys, (split + 1) * args.Parts.Keys);
        if (args.Parts.Splits > 1 && span.First >= span.End) return; // MergeParts does not read what no row sees

        KeyTiles<T, TKeys> tiles = KeyTiles<T, TKeys>.Of(args.Keys, place, args.HeadDim, args.HeadDimV, sK, sV, Chunks, Lanes);
        if (!tiles.IsWide) span.EndOfFirst = 0; // rows are loaded element by element: not the fast loop's business

        StartQueries(args, at, i0, sQ);
        int j = NextTile(args, at, span, span.First - span.First % Bc);
        tiles.MoveTo(j);
        if (j < span.End)
        {
            tiles.LookAhead(args.Keys, j, span.End);
            tiles.StartKeys(args.Keys, j, Bc, span.First, span.End);
        }
        TOutput o = default;
        TensorSoftmax<TTile> rows = TensorSoftmax<TTile>.Empty;
        while (j < span.End)
        {
            while (!TScore.IsPointwise && j >= span.FirstOfLast && j + Bc <= span.EndOfFirst)
            {
                AddWholeTile(args, span, sQ, sK, sV, ref tiles, j, ref o, ref rows, out TScores p);
                j += Bc;
                tiles.StartWideKeys(args.Keys, j, Bc, span.End);
                AddValues(ref o, ref p, sV);
            }
            if (j >= span.End) break;

            AddCutTile(args, at, span, sQ, sK, sV, ref tiles, j, ref o, ref rows);
            j = NextTile(args, at, span, j + Bc);
            if (TScore.IsGeneral) tiles.MoveTo(j);
            if (j < span.End)
            {
                tiles.LookAhead(args.Keys, j, span.End);
                tiles.StartKeys(args.Keys, j, Bc, span.First, span.End);
            }
        }
        TensorCore.WaitForCopies(); // of Q, where there was no key
        Write(args, at, split, i0, sQ, ref o, rows);
    }

    /// <summary>Starts copying Q_i.</summary>
    private static void StartQueries(in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int i0, ArrayView<U4> sQ)
    {
        TileRows rows = TileRows.Of(args.Q, at.Head<T, TKeys>(args.Q));
        int columns = TileRows.Units<T>() * args.HeadDim;
        if (args.Heads.Count > 1)
        {
            SwizzledTile.LoadHeads(rows, args.Heads, i0, Br, at.Rows, columns, sQ, Chunks);
            return;
        }
        TileCopy queries = TileCopy.Of(rows, columns, sQ, Chunks, Lanes);
        queries.MoveTo(i0);
        queries.Start(rows.Start, i0, Br, 0, at.SeqQ);
    }

    /// <summary>
    /// P and the running m and l of a tile whose every key every row sees. Afterwards V_j is there, and K_j has been read.
    /// </summary>
    private static void AddWholeTile(
        in FlashArgs<T, TScore, TKeys> args, in TileSpan span, ArrayView<U4> sQ, ArrayView<U4> sK, ArrayView<U4> sV,
        ref KeyTiles<T, TKeys> tiles, int j, ref TOutput o, ref TensorSoftmax<TTile> rows, out TScores s)
    {
        TensorCore.WaitForCopies();
        Group.Barrier(); // K_j is there (and Q); V of the tile before has been read
        tiles.StartWholeValues(Bc);
        tiles.LookAhead(args.Keys, j + Bc, span.End);
        s = default;
        Multiply(ref s, sQ, sK);
        rows.Add<TFormat, TScores, TOutput>(ref s, args.Score.Log2Factor, ref o);
        TensorCore.WaitForCopies();
        Group.Barrier(); // V_j is there; K_j has been read
    }

    /// <summary>
    /// O and the running m and l take in a tile that a mask may cut; a warp whose rows the band hides all of it from leaves it out.
    /// Afterwards K_j and V_j have been read.
    /// </summary>
    private static void AddCutTile(
        in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, in TileSpan span, ArrayView<U4> sQ, ArrayView<U4> sK,
        ArrayView<U4> sV, ref KeyTiles<T, TKeys> tiles, int j, ref TOutput o, ref TensorSoftmax<TTile> rows)
    {
        Group.Barrier(); // V of the tile before has been read
        tiles.StartValues(args.Keys, j, Bc, span.First, span.End);
        TensorCore.WaitForCopies();
        Group.Barrier(); // K_j and V_j are there (and Q)

        // A hidden key has weight 0, which a product would turn into NaN beside a value that is infinite or NaN.
        bool mustHide = Group.BarrierOr(HasNonFinite(sV));
        int i = span.I0 + WarpRow;
        int first = at.Heads.Query(i);
        int last = at.Heads.Query(Math.Min(i + TensorFlashTile<TFormat, TTile, TScores, TOutput>.WarpRows, at.Rows) - 1);
        if (j < args.Band.End(last, at.Shift, at.KeyLength) && j + Bc > args.Band.First(first, at.Shift))
        {
            TScores s = default;
            Multiply(ref s, sQ, sK);
            s.ApplyScore(args.Score, at, i + LaneRow, j + 2 * (Group.IdxX & 3));
            rows.Add<TFormat, TScores, TOutput>(ref s, args.Score.Log2Factor, ref o);
            if (mustHide) o.AddVisible(ref s, sV, 0, Chunks);
            else AddValues(ref o, ref s, sV);
        }
        Group.Barrier(); // K_j has been read
    }

    /// <summary>S += Q K^T.</summary>
    private static void Multiply(ref TScores s, ArrayView<U4> sQ, ArrayView<U4> sK)
    {
        LaneTile queries = LaneTile.ByRows(sQ.From(WarpRow * Chunks), Chunks);
        LaneTile keys = LaneTile.ByColumns(sK, Chunks);
        if (TFormat.IsLooped)
        {
            for (int chunk = 0; chunk < Chunks; chunk += 2) TensorColumn<TFormat, TTile>.Multiply(ref s, queries, keys, chunk);
        }
        else
        {
            TOutput.Multiply(ref s, queries, keys, 0);
        }
    }

    /// <summary>O += P V. In a loop P moves on in its registers, which cannot be indexed.</summary>
    private static void AddValues(ref TOutput o, ref TScores p, ArrayView<U4> sV)
    {
        LaneTile values = TFormat.ValueTile(sV, Chunks);
        if (TFormat.IsLooped)
        {
            for (int key = 0; key < Bc; key += 2 * TFormat.PerChunk)
            {
                p.AddFirst(ref o, values, key);
                p.MoveLeft(default, default);
            }
        }
        else
        {
            p.AddTo(ref o, values, 0);
        }
    }

    /// <summary>The first key tile from j on in which something may be visible.</summary>
    private static int NextTile(in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, in TileSpan span, int j)
    {
        if (TScore.IsGeneral)
        {
            int first = at.Heads.Query(span.I0), last = at.Heads.Query(span.ILast);
            int heads = at.Heads.Count;
            while (j < span.End && args.Score.HidesTile(at.B, at.H, heads, first, last, j, Math.Min(j + Bc, span.End) - 1)) j += Bc;
        }
        return j;
    }

    /// <summary>Whether this lane's share of the tile of V has an element that is infinite or NaN.</summary>
    private static bool HasNonFinite(ArrayView<U4> sV)
    {
        bool found = false;
        for (int index = Group.IdxX; index < Bc * Chunks; index += Lanes)
        {
            U4 v = sV[index];
            found |= !TFormat.IsFinite(v.X) | !TFormat.IsFinite(v.Y) | !TFormat.IsFinite(v.Z) | !TFormat.IsFinite(v.W);
        }
        return found;
    }

    /// <summary>
    /// O = O / l to memory by way of Q_i's, in rows of 16 bytes a lane, and LSE; of a split O as it is, m and l.
    /// </summary>
    private static void Write(
        in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int split, int i0, ArrayView<U4> sQ, ref TOutput o,
        TensorSoftmax<TTile> rows)
    {
        int i = i0 + WarpRow + LaneRow;
        LaneRows scale = default;
        scale.Top.Upper = Finish(args, at, split, i, rows.M.Top.Upper, rows.L.Top.Upper);
        scale.Top.Lower = Finish(args, at, split, i + 8, rows.M.Top.Lower, rows.L.Top.Lower);
        if (TTile.RowBlocks > 1)
        {
            scale.Bottom.Upper = Finish(args, at, split, i + 16, rows.M.Bottom.Upper, rows.L.Bottom.Upper);
            scale.Bottom.Lower = Finish(args, at, split, i + 24, rows.M.Bottom.Lower, rows.L.Bottom.Lower);
        }
        o.Scale(scale);
        if (args.Parts.Splits > 1)
        {
            o.Store(0, Part(args, at, split, i), Part(args, at, split, i + 8), 0);
            if (TTile.RowBlocks > 1) o.Store(1, Part(args, at, split, i + 16), Part(args, at, split, i + 24), 0);
            return;
        }

        Group.Barrier(); // Q_i has been read
        ArrayView<uint> sO = sQ.Cast<uint>();
        int words = 4 * Chunks;
        int upper = (WarpRow + LaneRow) * words;
        int swizzle = 4 * TFormat.OutputSwizzle(LaneRow);
        o.Store(0, sO, upper, upper + 8 * words, 0, swizzle);
        if (TTile.RowBlocks > 1) o.Store(1, sO, upper + 16 * words, upper + 24 * words, 0, swizzle);
        Group.Barrier(); // O_i is in shared memory
        TileRows rowsOfO = TileRows.Of(args.O, at.Head<T, TKeys>(args.O));
        SwizzledTile.Store<TFormat>(rowsOfO, args.Heads, i0, Br, at.Rows, TileRows.Units<T>() * args.HeadDimV, sQ, Chunks);
    }

    /// <summary>
    /// l += exp(sink - m), LSE = m + ln(l), and 1 / l, what O is scaled by; a row that saw no key gives O = 0 and LSE = sink, or -inf where
    /// there is none. Of a split m, a base-2 exponent, and l; O keeps its scale.
    /// </summary>
    private static float Finish(
        in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int split, int row, float m, float l)
    {
        int i = at.Heads.Query(row);
        int h = at.H + at.Heads.Head(row);
        OnlineSoftmax state = new() { M = m, L = TensorSoftmax<TTile>.QuadSum(l) };
        if (args.Parts.Splits > 1)
        {
            if ((Group.IdxX & 3) == 0 && i < at.SeqQ) args.Parts.Write(SplitParts.Row(args, split, at.B, h, i), state.M, state.L);
            return 1f;
        }
        if (TScore.IsGeneral) state.Merge(args.Score.Sink(h) * args.Score.Log2Factor, 1f, 1f);
        if (args.HasLse != 0 && (Group.IdxX & 3) == 0 && i < at.SeqQ) args.Lse[at.LseHead(args, h) + i] = state.Lse(1f);
        float scale = state.L == 0f ? 0f : 1f / state.L;
        if (TScore.IsGeneral) scale *= SpecialMath.Exp2(m - SpecialMath.FiniteMax(state.M)); // O has the old maximum
        return scale;
    }

    /// <summary>Where O of a row of the split goes.</summary>
    private static LanePart Part(in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int split, int row)
    {
        int first = TFormat.FirstColumn(Group.IdxX & 3);
        int last = Math.Min(row, at.Rows - 1);
        long place = SplitParts.Row(args, split, at.B, at.H + at.Heads.Head(last), at.Heads.Query(last)) * args.Parts.OStride + first;
        LanePart part = default;
        part.Data = args.Parts.Data.Cast<F2>().From(place >> 1);
        part.Columns = row < at.Rows ? args.Parts.OStride - first : 0;
        return part;
    }
}
