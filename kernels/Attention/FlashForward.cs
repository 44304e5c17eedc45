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
/// Grid: Tr * headsQ * batch groups, times the chunks of V's columns where TTile.InChunks; group: TTile.GroupSize lanes; shared:
/// FlashTile.SharedBytes.
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
        int chunk = Chunk(args, out int tile);
        FlashPosition at = FlashPosition.Of(args, tile, Br, out KeyPlace keys, out int i0);
        if (TKeys.HasSequences && i0 >= at.SeqQ) return; // the tiles are those of the longest sequence

        TileSpan span = TileSpan.Of(at, i0, Br);
        int first = span.First, end = span.End;

        if (!TTile.InChunks)
        {
            RowCopy.LoadTile<T, TElement>(
                args.Q, at.Head<T, TKeys>(args.Q), i0, Br, 0, at.SeqQ, args.HeadDim, FlashTile<TTile>.HeadDim, sQ, HeadStride);
            if (TKeys.HasVectors) args.Keys.General.ChangeQueries(at, i0, Br, args.HeadDim, sQ, HeadStride, sRow);
        }
        TRows rows = default;
        rows.Clear();

        for (int j = first - first % Bc; j < end; j += Bc)
        {
            if (TScore.IsGeneral && args.Score.HidesTile(at.B, at.H, 1, i0, span.ILast, j, Math.Min(j + Bc, end) - 1)) continue;
            if (TTile.InChunks) ScoresInChunks(args, at, keys, ref rows, i0, j, first, end, sQ, sKV, sRow);
            else
            {
                Group.Barrier(); // sKV and sP: the previous tile has been read
                args.Keys.LoadKeys(keys, j, Bc, first, end, 0, args.HeadDim, FlashTile<TTile>.HeadDim, sKV, HeadStride);
                Group.Barrier(); // sKV holds K_j, sQ holds Q_i
                if (TKeys.HasVectors) args.Keys.General.ChangeKeys(at, keys, j, Bc, end, args.HeadDim, sKV, HeadStride, sRow);
                rows.ClearScores();
                AddScores(ref rows, sQ, sKV, tx, ty, args.HeadDim);
            }

            bool isWhole = !TScore.IsPointwise && j >= span.FirstOfLast && j + Bc <= span.EndOfFirst;
            if (!isWhole) rows.ApplyScore(args.Score, at, i0 + ty, j + tx);
            rows.StoreMaxima(sRow.Floats(ty * FlashTile<TTile>.LanesX + tx));
            Group.Barrier(); // sRow holds the partial maxima, K_j has been read

            args.Keys.LoadValues(keys, j, Bc, first, end, chunk, args.HeadDimV, FlashTile<TTile>.HeadDim, sKV, HeadStride);
            rows.Exponentiate(args.Score.Log2Factor, sRow.From(ty * FlashTile<TTile>.RowStride), sP.Floats(4 * ty * ScoreStride + tx));
            Group.Barrier(); // sKV holds V_j, sP holds P_ij

            if (isWhole) AddValues<PlainMultiply>(ref rows, sP, sKV, tx, ty);
            else AddValues<ZeroHidesMultiply>(ref rows, sP, sKV, tx, ty);
        }

        // The barrier before O += P V came after the last read of the maxima in sRow.
        rows.StoreSums(sRow.Floats(ty * FlashTile<TTile>.LanesX + tx));
        Group.Barrier(); // sRow holds the partial sums
        FlashOutput<T> output = Output(args, at, tx, chunk);
        rows.Write<T, TElement, TScore>(output, sRow.From(ty * FlashTile<TTile>.RowStride), i0 + ty);
    }

    /// <summary>The first column of V that the group works on; and which of the tiles that there would be of whole rows is its.</summary>
    private static int Chunk(in FlashArgs<T, TScore, TKeys> args, out int tile)
    {
        tile = Grid.IdxX;
        if (!TTile.InChunks) return 0;
        int chunks = (args.HeadDimV + FlashTile<TTile>.HeadDim - 1) / FlashTile<TTile>.HeadDim;
        tile = Grid.IdxX / chunks; // the groups of a tile start together, and read the same keys
        return (Grid.IdxX - tile * chunks) * FlashTile<TTile>.HeadDim;
    }

    /// <summary>S = Q K^T over all columns, as many at a time as the tile holds.</summary>
    private static void ScoresInChunks(
        in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, in KeyPlace keys, ref TRows rows, int i0, int j, int first, int end,
        ArrayView<F4> sQ, ArrayView<F4> sK, ArrayView<F4> sRow)
    {
        int tx = Group.IdxX & (FlashTile<TTile>.LanesX - 1);
        int ty = Group.IdxX / FlashTile<TTile>.LanesX;
        long head = at.Head<T, TKeys>(args.Q);
        QueryElements<T, TElement> queries = new() { Q = args.Q, First = head + i0 * args.Q.RowStride };
        TilePair tiles = new()
        {
            I0 = i0, EndQ = Math.Min(Br, at.SeqQ - i0), J0 = j, FirstK = Math.Max(0, first - j), EndK = Math.Min(Bc, end - j),
        };
        rows.ClearScores();
        if (TKeys.HasVectors) args.Keys.General.MeasureRows(queries, at, keys, tiles, args.HeadDim, sRow.Floats(0));
        for (int column = 0; column < args.HeadDim; column += FlashTile<TTile>.HeadDim)
        {
            int columns = Math.Min(args.HeadDim - column, FlashTile<TTile>.HeadDim);
            Group.Barrier(); // sQ, sKV and sP: the previous chunk, or the previous tile, has been read
            RowCopy.LoadTile<T, TElement>(
                args.Q, head + column, i0, Br, 0, at.SeqQ, args.HeadDim - column, FlashTile<TTile>.HeadDim, sQ, HeadStride);
            args.Keys.LoadKeys(keys, j, Bc, first, end, column, args.HeadDim, FlashTile<TTile>.HeadDim, sK, HeadStride);
            if (TKeys.HasVectors)
                args.Keys.General.ChangeColumns(queries, at, keys, tiles, column, columns, sQ, sK, HeadStride, sRow.Floats(0));
            Group.Barrier(); // sKV holds a chunk of K_j, sQ of Q_i
            AddScores(ref rows, sQ, sK, tx, ty, columns);
        }
    }

    /// <summary>
    /// S += Q K^T: a lane multiplies its rows of sQ with rows tx, tx + LanesX, ... of sK, four elements of the head dim a step.
    /// </summary>
    private static void AddScores(ref TRows rows, ArrayView<F4> sQ, ArrayView<F4> sK, int tx, int ty, int headDim)
    {
        int step = FlashTile<TTile>.LanesX * HeadStride;
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

    private static FlashOutput<T> Output(in FlashArgs<T, TScore, TKeys> args, in FlashPosition at, int tx, int chunk)
    {
        FlashOutput<T> output = default;
        output.O = args.O;
        output.Head = at.Head<T, TKeys>(args.O) + chunk;
        output.Lse = args.Lse;
        output.LseHead = at.LseHead(args, at.H);
        output.HasLse = chunk == 0 ? args.HasLse : 0;
        output.SeqQ = at.SeqQ;
        output.HeadDim = args.HeadDimV - chunk;
        output.Lane = tx;
        output.Log2Factor = args.Score.Log2Factor;
        output.Sink = args.Score.Sink(at.H);
        return output;
    }
}
