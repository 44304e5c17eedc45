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

    /// <summary>Scratch of one tile.</summary>
    public static long Floats(in AttentionPlan plan) =>
        Scratch.Align((long)plan.Args.HeadDim * plan.TileRows) + Scratch.Align((long)plan.Args.HeadDimV * plan.TileRows)
        + 7 * Scratch.Align(plan.TileRows) + 2 * Scratch.Align(2L * plan.TileRows);

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

        int keyLength = plan.KeyLength(batch);
        Shift = args.Score.Band.ShiftFor(args.SeqQ, keyLength);
        KeyFirst = int.MaxValue;
        KeyEnd = 0;
        for (int lane = 0; lane < lanes; lane++)
        {
            var (query, head) = RowOf(plan, lane);
            First[lane] = args.Score.Band.First(query, Shift);
            End[lane] = args.Score.Band.End(query, Shift, keyLength);
            Aligned[lane] = query + Shift;
            KeyFirst = Math.Min(KeyFirst, First[lane]);
            KeyEnd = Math.Max(KeyEnd, End[lane]);
            Slope[lane] = args.Score.AlibiSlopes == null ? 0 : args.Score.AlibiSlopes[batch * args.Score.AlibiBatchStride + head] * -Exp2.Log2E;
            BiasRows[lane] = RowAddress(args.Score.Bias, args.Score.BiasType.Size(), batch, head, query);
            MaskRows[lane] = RowAddress(args.Score.Mask, sizeof(byte), batch, head, query);
        }
    }

    /// <summary>The query and the query head of a lane.</summary>
    public readonly (int Query, int Head) RowOf(in AttentionPlan plan, int lane)
    {
        int row = Row + Math.Min(lane, Count - 1);
        return (row / plan.Group, HeadKv * plan.Group + row % plan.Group);
    }

    /// <summary>Transposes Q into the tile, scaled, and empties the state.</summary>
    public void LoadQuery<W, V, E>(in AttentionPlan plan)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        byte** rows = stackalloc byte*[W.Count];
        V scale = W.Set(plan.QueryScale);
        Vectors = (Count + W.Count - 1) / W.Count;
        for (int c = 0; c < Vectors; c++)
        {
            for (int r = 0; r < W.Count; r++)
            {
                var (query, head) = RowOf(plan, c * W.Count + r);
                rows[r] = (byte*)args.Q.Data + E.Size * (Batch * args.Q.BatchStride + head * args.Q.HeadStride + query * args.Q.RowStride);
            }

            float* target = Q + c * W.Count;
            Transposed<W, V>.Load<E>(rows, 0, args.HeadDim, target, plan.TileRows);
            for (int d = 0; d < args.HeadDim; d++)
            {
                W.Store(target, W.Multiply(scale, W.Load(target)));
                target += plan.TileRows;
            }

            W.Store(M + c * W.Count, W.Set(float.NegativeInfinity));
            W.Store(L + c * W.Count, W.Zero);
        }
    }

    /// <summary>Writes O / l and log(sum(exp)) of the tile's rows.</summary>
    public readonly void StoreOutput<W, V, E>(in AttentionPlan plan)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        byte** rows = stackalloc byte*[W.Count];
        for (int c = 0; c < Vectors; c++)
        {
            V l = W.Load(L + c * W.Count);
            V inverse = W.Select(W.Equal(l, W.Zero), W.Zero, W.Divide(W.Set(1), l));
            float* source = O + c * W.Count;
            for (int d = 0; d < args.HeadDimV; d++)
            {
                V o = Fresh ? W.Zero : W.Multiply(inverse, W.Load(source + d * plan.TileRows));
                W.Store(source + d * plan.TileRows, o);
            }

            int valid = Math.Min(W.Count, Count - c * W.Count);
            for (int r = 0; r < valid; r++)
            {
                var (query, head) = RowOf(plan, c * W.Count + r);
                rows[r] = (byte*)args.O.Data + E.Size * (Batch * args.O.BatchStride + head * args.O.HeadStride + query * args.O.RowStride);
            }

            Transposed<W, V>.Store<E>(source, plan.TileRows, args.HeadDimV, rows, valid);
        }

        if (args.Lse == null) return;
        for (int lane = 0; lane < Count; lane++)
        {
            var (query, head) = RowOf(plan, lane);
            args.Lse[((long)Batch * args.HeadsQ + head) * args.SeqQ + query] = M[lane] * Exp2.Ln2 + MathF.Log(L[lane]);
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
