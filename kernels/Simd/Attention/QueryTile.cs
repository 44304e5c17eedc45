using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// The state of one query tile: up to TileRows rows of one key head. Everything is transposed, a row of the tile being a lane:
/// Q (headDim, TileRows), O (headDimV, TileRows), m and l (TileRows). Lanes past the last row repeat it and are never stored.
/// </summary>
internal unsafe struct QueryTile
{
    public int Batch;
    public int HeadKv;

    /// <summary>First row of the tile, as an index of (query, head in group).</summary>
    public int Row;

    /// <summary>Valid rows.</summary>
    public int Count;

    /// <summary>Vectors of lanes in use.</summary>
    public int Vectors;

    /// <summary>The keys that any row sees.</summary>
    public int KeyFirst;
    public int KeyEnd;

    /// <summary>Query i is aligned with key i + Shift.</summary>
    public int Shift;

    /// <summary>Whether O, m and l hold nothing yet.</summary>
    public bool Fresh;

    /// <summary>Whether documents or blocks hide all of the current block of keys.</summary>
    public bool Skips;

    /// <summary>Whether some key of weight 0 may have been multiplied with its V.</summary>
    public bool Hides;

    public float* Q;
    public float* O;
    public float* M;
    public float* L;
    public float* Alpha;
    public float* Slope;
    public int* First;
    public int* End;
    public int* Aligned;
    public byte** BiasRows;
    public byte** MaskRows;
    public byte** BlockRows;
    public int* Documents;

    /// <summary>The rows of O that the tile will store, and of Q that the thread will probably load next.</summary>
    public RowFetch Output;
    public RowFetch NextQuery;

    private byte** outputRows;
    private byte** nextRows;

    /// <summary>Scratch of one tile.</summary>
    public static long Floats(in AttentionPlan plan) =>
        Scratch.Align((long)plan.Args.HeadDim * plan.TileRows) + Scratch.Align((long)plan.Args.HeadDimV * plan.TileRows)
        + 8 * Scratch.Align(plan.TileRows) + 5 * Scratch.Align(2L * plan.TileRows);

    /// <summary>Lays the arrays out in <paramref name="memory"/> and finds out which keys each row sees.</summary>
    public void Place(in AttentionPlan plan, int batch, int headKv, int row, ref float* memory)
    {
        ref readonly var args = ref plan.Args;
        int lanes = plan.TileRows;
        Batch = batch;
        HeadKv = headKv;
        Row = row;
        Count = Math.Min(lanes, plan.Rows - row);
        Fresh = true;
        Hides = false;
        Q = Take(ref memory, (long)args.HeadDim * lanes);
        O = Take(ref memory, (long)args.HeadDimV * lanes);
        M = Take(ref memory, lanes);
        L = Take(ref memory, lanes);
        Alpha = Take(ref memory, lanes);
        Slope = Take(ref memory, lanes);
        First = (int*)Take(ref memory, lanes);
        End = (int*)Take(ref memory, lanes);
        Aligned = (int*)Take(ref memory, lanes);
        BiasRows = (byte**)Take(ref memory, 2L * lanes);
        MaskRows = (byte**)Take(ref memory, 2L * lanes);
        BlockRows = (byte**)Take(ref memory, 2L * lanes);
        Documents = (int*)Take(ref memory, lanes);
        outputRows = (byte**)Take(ref memory, 2L * lanes);
        nextRows = (byte**)Take(ref memory, 2L * lanes);

        int keyLength = plan.KeyLength(batch);
        ref readonly var rules = ref args.Score;
        Shift = rules.Band.ShiftFor(args.SeqQ, keyLength);
        var (query, head) = RowOf(plan, 0);
        for (int lane = 0; lane < lanes; lane++)
        {
            First[lane] = rules.Band.First(query, Shift);
            End[lane] = rules.Band.End(query, Shift, keyLength);
            if (rules.AlibiSlopes != null) Slope[lane] = rules.AlibiSlopes[batch * rules.AlibiBatchStride + head] * -Exp2.Log2E;
            if (rules.AlibiSlopes != null) Aligned[lane] = query + Shift;
            if (rules.Bias.Data != null) BiasRows[lane] = RowAddress(rules.Bias, rules.BiasType.Size(), batch, head, query);
            if (rules.Mask.Data != null) MaskRows[lane] = RowAddress(rules.Mask, sizeof(byte), batch, head, query);
            if (rules.Blocks.Data != null) BlockRows[lane] = rules.BlockRow(batch, head, query);
            if (rules.DocumentsQ != null) Documents[lane] = rules.DocumentsQ[batch * rules.DocumentsQStride + query];
            if (lane < Count - 1) NextRow(plan, ref query, ref head);
        }

        // Both grow with the query.
        KeyFirst = First[0];
        KeyEnd = End[lanes - 1];
    }

    /// <summary>
    /// Finds the rows to fetch: of O, and of Q in tile <paramref name="tile"/> of the item <paramref name="next"/>, -1 = none.
    /// </summary>
    public void Expect<E>(in AttentionPlan plan, int next, int tile)
        where E : struct, IElement
    {
        RowAddresses(plan, plan.Args.O, E.Size, 0, Count, outputRows);
        Output = new RowFetch(outputRows, Count, plan.Args.HeadDimV * E.Size);
        NextQuery = default;
        if (next < 0) return;
        var (batch, headKv, row) = plan.Place(next);
        row += tile * plan.TileRows;
        var query = new QueryTile { Batch = batch, HeadKv = headKv, Row = row, Count = Math.Min(plan.TileRows, plan.Rows - row) };
        if (query.Count <= 0) return;
        query.RowAddresses(plan, plan.Args.Q, E.Size, 0, query.Count, nextRows);
        NextQuery = new RowFetch(nextRows, query.Count, plan.Args.HeadDim * E.Size);
    }

    /// <summary>Whether documents or blocks hide the keys [key, keyEnd) from all rows.</summary>
    public readonly bool IsHidden(in AttentionPlan plan, int key, int keyEnd)
    {
        ref readonly var rules = ref plan.Args.Score;
        if (rules.DocumentsQ == null && rules.Blocks.Data == null) return false;
        int query = Row / plan.Group;
        int queryLast = (Row + Count - 1) / plan.Group;
        return TileMask.Hides(rules, Batch, HeadKv * plan.Group, plan.Group, query, queryLast, key, keyEnd);
    }

    /// <summary>The query and the query head of a lane.</summary>
    public readonly (int Query, int Head) RowOf(in AttentionPlan plan, int lane)
    {
        int row = Row + Math.Min(lane, Count - 1);
        return (row / plan.Group, HeadKv * plan.Group + row % plan.Group);
    }

    private readonly void NextRow(in AttentionPlan plan, ref int query, ref int head)
    {
        if (++head < (HeadKv + 1) * plan.Group) return;
        head = HeadKv * plan.Group;
        query++;
    }

    /// <summary>The addresses of the rows of a tensor that belong to a vector of lanes; lanes past the last row repeat it.</summary>
    private readonly void RowAddresses(in AttentionPlan plan, in HeadTensor tensor, int size, int firstLane, int lanes, byte** rows)
    {
        var (query, head) = RowOf(plan, firstLane);
        byte* start = (byte*)tensor.Data + size * Batch * tensor.BatchStride;
        for (int r = 0; r < lanes; r++)
        {
            rows[r] = start + size * (head * tensor.HeadStride + query * tensor.RowStride);
            if (firstLane + r < Count - 1) NextRow(plan, ref query, ref head);
        }
    }

    /// <summary>
    /// Transposes Q into the tile, scaled, and empties the state. <paramref name="row"/> is scratch for a row, used where rows change
    /// before.
    /// </summary>
    public void LoadQuery<W, V, E>(in AttentionPlan plan, float* row)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        byte** rows = stackalloc byte*[W.Count];
        Vectors = (Count + W.Count - 1) / W.Count;
        for (int c = 0; c < Vectors; c++)
        {
            RowAddresses(plan, args.Q, E.Size, c * W.Count, W.Count, rows);
            if (args.Vectors.ArePresent) LoadVectors<W, V, E>(plan, rows, c * W.Count, row);
            else Transposed<W, V>.Load<E>(rows, 0, args.HeadDim, Q + c * W.Count, plan.TileRows);
            W.Store(M + c * W.Count, W.Set(float.NegativeInfinity));
            W.Store(L + c * W.Count, W.Zero);
        }

        Rows<W, V>.Multiply(Q, plan.QueryScale, args.HeadDim * plan.TileRows);
        if (args.Score.HeadScales == null) return;
        for (int lane = 0; lane < Vectors * W.Count; lane++) Alpha[lane] = args.Score.HeadScales[RowOf(plan, lane).Head];
        for (int d = 0; d < args.HeadDim; d++)
        {
            for (int lane = 0; lane < Vectors * W.Count; lane += W.Count)
            {
                float* q = Q + d * plan.TileRows + lane;
                W.Store(q, W.Multiply(W.Load(Alpha + lane), W.Load(q)));
            }
        }
    }

    /// <summary>A vector of rows that are turned or normalised first.</summary>
    private readonly void LoadVectors<W, V, E>(in AttentionPlan plan, byte** rows, int firstLane, float* row)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        for (int r = 0; r < W.Count; r++)
        {
            Rows<W, V>.Widen<E>(rows[r], row, args.HeadDim);
            int position = args.Vectors.OfQuery(Batch, RowOf(plan, firstLane + r).Query, Shift);
            VectorRow<W, V>.Apply(args.Vectors, row, args.HeadDim, position);
            for (int d = 0; d < args.HeadDim; d++) Q[d * plan.TileRows + firstLane + r] = row[d];
        }
    }

    /// <summary>
    /// The sink raises m and l like one more key without a value: m' = max(m, sink), l' = l * alpha + exp(sink - m'); O is to be
    /// multiplied with alpha.
    /// </summary>
    private readonly void AddSinks(in AttentionPlan plan, int lanes)
    {
        for (int lane = 0; lane < lanes; lane++)
        {
            float sink = plan.Args.Score.Sinks[RowOf(plan, lane).Head] * Exp2.Log2E;
            float max = MathF.Max(M[lane], sink);
            Alpha[lane] = 1;
            if (float.IsNegativeInfinity(max)) continue;
            Alpha[lane] = float.Exp2(M[lane] - max);
            L[lane] = L[lane] * Alpha[lane] + float.Exp2(sink - max);
            M[lane] = max;
        }
    }

    /// <summary>Adds the sinks, and writes O / l and log(sum(exp)) of the tile's rows.</summary>
    public readonly void StoreOutput<W, V, E>(in AttentionPlan plan)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        byte** rows = stackalloc byte*[W.Count];
        bool hasSinks = args.Score.Sinks != null;
        if (hasSinks) AddSinks(plan, Vectors * W.Count);
        for (int c = 0; c < Vectors; c++)
        {
            V l = W.Load(L + c * W.Count);
            V inverse = W.Select(W.Equal(l, W.Zero), W.Zero, W.Divide(W.Set(1), l));
            if (hasSinks) inverse = W.Multiply(inverse, W.Load(Alpha + c * W.Count));
            float* source = O + c * W.Count;
            for (int d = 0; d < args.HeadDimV; d++)
            {
                V o = Fresh ? W.Zero : W.Multiply(inverse, W.Load(source + d * plan.TileRows));
                W.Store(source + d * plan.TileRows, o);
            }

            int valid = Math.Min(W.Count, Count - c * W.Count);
            RowAddresses(plan, args.O, E.Size, c * W.Count, valid, rows);
            Transposed<W, V>.Store<E>(source, plan.TileRows, args.HeadDimV, rows, valid);
        }

        if (args.Lse == null) return;
        for (int lane = 0; lane < Count; lane++)
        {
            var (query, head) = RowOf(plan, lane);
            args.LseOf(Batch, head)[query] = M[lane] * Exp2.Ln2 + MathF.Log(L[lane]);
        }
    }

    private static byte* RowAddress(in BroadcastTensor tensor, int size, int batch, int head, int query) =>
        tensor.Data == null ? null
        : (byte*)tensor.Data + size * (batch * tensor.BatchStride + head * tensor.HeadStride + query * tensor.RowStride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Take(ref float* memory, long floats)
    {
        float* block = memory;
        memory += Scratch.Align(floats);
        return block;
    }
}
