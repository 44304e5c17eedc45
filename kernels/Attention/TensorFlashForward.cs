using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Fused attention on tensor cores: O = softmax(score(Q K^T)) V and LSE in one pass over the keys (Dao, FlashAttention-2, algorithm 1).
/// A warp owns 16 or 32 query rows; its S, P and O stay in registers. V_j travels to shared memory while S = Q K_j^T is multiplied, K of
/// the next tile while O += P V_j is. Tiles that no mask cuts have a loop of their own.
/// Grid: Tr * headsQ * batch groups; group: 128 lanes; shared: TensorFlashTile.SharedBytes.
/// </summary>
public static class TensorFlashForward<TElement, TTile, TScores, TOutput, TScore, TKeys>
    where TElement : struct, ITensorElement
    where TTile : struct, ITensorTile
    where TScores : struct, ITensorColumns<TElement>
    where TOutput : struct, ITensorColumns<TElement>
    where TScore : struct, IScoreRule
    where TKeys : struct, IKeyTiles
{
    private static int Br => TensorFlashTile<TElement, TTile, TScores, TOutput>.Br;

    private static int Bc => TensorFlashTile<TElement, TTile, TScores, TOutput>.Bc;

    private static int Chunks => TensorFlashTile<TElement, TTile, TScores, TOutput>.Chunks;

    private static int Lanes => TensorFlashTile<TElement, TTile, TScores, TOutput>.GroupSize;

    /// <summary>The first of the warp's rows in the tile.</summary>
    private static int WarpRow => Group.IdxX / 32 * TensorFlashTile<TElement, TTile, TScores, TOutput>.WarpRows;

    /// <summary>The lane's row in a block of 16; it has the row 8 below, too.</summary>
    private static int LaneRow => (Group.IdxX & 31) / 4;

    public static void Kernel(FlashArgs<ushort, TScore, TKeys> args)
    {
        ArrayView<U4> sK = SharedMemory.Allocate<U4>(Bc * Chunks);
        ArrayView<U4> sV = SharedMemory.Allocate<U4>(Bc * Chunks);
        ArrayView<U4> sQ = SharedMemory.Allocate<U4>(Br * Chunks);
        FlashPosition at = FlashPosition.Of(args, Br, out KeyPlace place, out int i0);
        if (TKeys.HasSequences && i0 >= at.SeqQ) return; // the tiles are those of the longest sequence

        TileSpan span = TileSpan.Of(at, i0, Br);
        KeyTiles<TKeys> tiles = KeyTiles<TKeys>.Of(args.Keys, place, args.HeadDim, args.HeadDimV, sK, sV, Chunks, Lanes);
        if (!tiles.IsWide) span.EndOfFirst = 0; // rows are loaded element by element: not the fast loop's business

        TileRows rowsOfQ = new() { Data = args.Q.Data, Start = at.Head<ushort, TKeys>(args.Q), RowStride = args.Q.RowStride, IsWide = args.Q.IsWide };
        TileCopy queries = TileCopy.Of(rowsOfQ, args.HeadDim, sQ, Chunks, Lanes);
        queries.MoveTo(i0);
        queries.Start(rowsOfQ.Start, i0, Br, 0, at.SeqQ);
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
                p.AddTo(ref o, LaneTile.ByRows(sV, Chunks), 0); // O += P V
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
        Write(args, at, i0, sQ, ref o, rows);
    }

    /// <summary>
    /// P and the running m and l of a tile whose every key every row sees. Afterwards V_j is there, and K_j has been read.
    /// </summary>
    private static void AddWholeTile(
        in FlashArgs<ushort, TScore, TKeys> args, in TileSpan span, ArrayView<U4> sQ, ArrayView<U4> sK, ArrayView<U4> sV,
        ref KeyTiles<TKeys> tiles, int j, ref TOutput o, ref TensorSoftmax<TTile> rows, out TScores s)
    {
        TensorCore.WaitForCopies();
        Group.Barrier(); // K_j is there (and Q); V of the tile before has been read
        tiles.StartWholeValues(Bc);
        tiles.LookAhead(args.Keys, j + Bc, span.End);
        s = default;
        TOutput.Multiply(ref s, LaneTile.ByRows(sQ.From(WarpRow * Chunks), Chunks), LaneTile.ByColumns(sK, Chunks), 0); // S = Q K^T
        rows.Add<TElement, TScores, TOutput>(ref s, args.Score.Log2Factor, ref o);
        TensorCore.WaitForCopies();
        Group.Barrier(); // V_j is there; K_j has been read
    }

    /// <summary>
    /// O and the running m and l take in a tile that a mask may cut; a warp whose rows the band hides all of it from leaves it out.
    /// Afterwards K_j and V_j have been read.
    /// </summary>
    private static void AddCutTile(
        in FlashArgs<ushort, TScore, TKeys> args, in FlashPosition at, in TileSpan span, ArrayView<U4> sQ, ArrayView<U4> sK,
        ArrayView<U4> sV, ref KeyTiles<TKeys> tiles, int j, ref TOutput o, ref TensorSoftmax<TTile> rows)
    {
        Group.Barrier(); // V of the tile before has been read
        tiles.StartValues(args.Keys, j, Bc, span.First, span.End);
        TensorCore.WaitForCopies();
        Group.Barrier(); // K_j and V_j are there (and Q)

        // A hidden key has weight 0, which a product would turn into NaN beside a value that is infinite or NaN.
        bool mustHide = Group.BarrierOr(HasNonFinite(sV));
        int i = span.I0 + WarpRow;
        int iLast = Math.Min(i + TensorFlashTile<TElement, TTile, TScores, TOutput>.WarpRows, at.SeqQ) - 1;
        if (j < args.Band.End(iLast, at.Shift, at.KeyLength) && j + Bc > args.Band.First(i, at.Shift))
        {
            TScores s = default;
            TOutput.Multiply(ref s, LaneTile.ByRows(sQ.From(WarpRow * Chunks), Chunks), LaneTile.ByColumns(sK, Chunks), 0); // S = Q K^T
            s.ApplyScore(args.Score, at, i + LaneRow, j + 2 * (Group.IdxX & 3));
            rows.Add<TElement, TScores, TOutput>(ref s, args.Score.Log2Factor, ref o);
            if (mustHide) o.AddVisible(ref s, sV.Cast<uint>(), 0, Chunks);
            else s.AddTo(ref o, LaneTile.ByRows(sV, Chunks), 0); // O += P V
        }
        Group.Barrier(); // K_j has been read
    }

    /// <summary>The first key tile from j on in which something may be visible.</summary>
    private static int NextTile(in FlashArgs<ushort, TScore, TKeys> args, in FlashPosition at, in TileSpan span, int j)
    {
        if (TScore.IsGeneral)
        {
            while (j < span.End && args.Score.HidesTile(at.B, at.H, span.I0, span.ILast, j, Math.Min(j + Bc, span.End) - 1)) j += Bc;
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
            found |= HasNonFinite(v.X) | HasNonFinite(v.Y) | HasNonFinite(v.Z) | HasNonFinite(v.W);
        }
        return found;
    }

    private static bool HasNonFinite(uint pair)
    {
        const uint low = 0xFFFFu;
        uint exponents = ~pair & TElement.ExponentMask;
        return (exponents & low) == 0 || (exponents & ~low) == 0;
    }

    /// <summary>O = O / l to memory by way of Q_i's, in rows of 16 bytes a lane; and LSE.</summary>
    private static void Write(
        in FlashArgs<ushort, TScore, TKeys> args, in FlashPosition at, int i0, ArrayView<U4> sQ, ref TOutput o,
        TensorSoftmax<TTile> rows)
    {
        int i = i0 + WarpRow + LaneRow;
        LaneRows scale = default;
        scale.Top.Upper = Finish(args, at, i, rows.M.Top.Upper, rows.L.Top.Upper);
        scale.Top.Lower = Finish(args, at, i + 8, rows.M.Top.Lower, rows.L.Top.Lower);
        if (TTile.RowBlocks > 1)
        {
            scale.Bottom.Upper = Finish(args, at, i + 16, rows.M.Bottom.Upper, rows.L.Bottom.Upper);
            scale.Bottom.Lower = Finish(args, at, i + 24, rows.M.Bottom.Lower, rows.L.Bottom.Lower);
        }
        o.Scale(scale);

        Group.Barrier(); // Q_i has been read
        ArrayView<uint> sO = sQ.Cast<uint>();
        int pairs = 4 * Chunks;
        int upper = (WarpRow + LaneRow) * pairs;
        o.Store(0, sO, upper, upper + 8 * pairs, Group.IdxX & 3, 4 * LaneRow);
        if (TTile.RowBlocks > 1) o.Store(1, sO, upper + 16 * pairs, upper + 24 * pairs, Group.IdxX & 3, 4 * LaneRow);
        Group.Barrier(); // O_i is in shared memory
        SwizzledTile.Store(args.O, at.Head<ushort, TKeys>(args.O), i0, Br, at.SeqQ, args.HeadDimV, sQ, Chunks);
    }

    /// <summary>
    /// l += exp(sink - m), LSE = m + ln(l), and 1 / l, what O is scaled by; a row that saw no key gives O = 0 and LSE = sink, or -inf where
    /// there is none.
    /// </summary>
    private static float Finish(
        in FlashArgs<ushort, TScore, TKeys> args, in FlashPosition at, int i, float m, float l)
    {
        OnlineSoftmax state = new() { M = m, L = TensorSoftmax<TTile>.QuadSum(l) };
        if (TScore.IsGeneral) state.Merge(args.Score.Sink(at.H) * args.Score.Log2Factor, 1f, 1f);
        if (args.HasLse != 0 && (Group.IdxX & 3) == 0 && i < at.SeqQ) args.Lse[at.LseHead(args) + i] = state.Lse(1f);
        float scale = state.L == 0f ? 0f : 1f / state.L;
        if (TScore.IsGeneral) scale *= SpecialMath.Exp2(m - SpecialMath.FiniteMax(state.M)); // O has the old maximum
        return scale;
    }
}
