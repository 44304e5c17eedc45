using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Dot products to masked scores in base 2, for one vector of lanes of a block: softcap, bias, ALiBi, the user's rule, mask, band, in this
/// order.
/// </summary>
internal static unsafe class ScoreRules<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <param name="scores">S (BlockKeys, TileRows).</param>
    /// <param name="operand">Scratch of the same size.</param>
    public static void Apply(in AttentionPlan plan, in QueryTile tile, int blockKey, in LaneBand band, int c, float* scores, float* operand)
    {
        ref readonly var rules = ref plan.Args.Score;
        nint step = plan.TileRows;
        int keys = band.End - band.First;
        int lane = c * W.Count;
        float* s = scores + band.First * step + lane;
        if (plan.SoftcapLog2 > 0) Softcap(s, step, keys, plan.SoftcapLog2);
        if (rules.Bias.Data != null && !plan.AddsToBias)
        {
            LoadBias(plan, tile, blockKey, band, c, operand);
            AddBias(s, step, keys, operand + band.First * step + lane);
        }

        if (rules.AlibiSlopes != null) AddSlope(s, step, keys, tile, blockKey + band.First, lane);
        if (rules.Modifier.IsPresent) Modify(plan, tile, blockKey, band, lane, scores + lane);
        if (rules.Mask.Data != null)
        {
            LoadOperand<ByteElement>(tile.MaskRows + lane, blockKey + band.First, keys, rules.Mask.ColumnStride, operand, W.Count);
            HideMasked(s, step, keys, operand);
        }

        if (rules.DocumentsQ != null)
        {
            int* ids = rules.DocumentsKv + tile.Batch * rules.DocumentsKvStride + blockKey + band.First;
            HideOtherDocuments(s, step, keys, tile.Documents + lane, ids);
        }

        if (rules.Blocks.Data != null) HideBlocks(s, step, keys, rules, tile.BlockRows + lane, blockKey + band.First);
        HideOutside(scores + lane, step, band.First, band.WholeFirst, tile, blockKey, lane);
        HideOutside(scores + lane, step, band.WholeEnd, band.End, tile, blockKey, lane);
    }

    /// <summary>
    /// The bias of a vector of lanes, where its scores lie in a block of <paramref name="target"/>, S (BlockKeys, TileRows).
    /// </summary>
    public static void LoadBias(in AttentionPlan plan, in QueryTile tile, int blockKey, in LaneBand band, int c, float* target)
    {
        ref readonly var bias = ref plan.Args.Score.Bias;
        byte** rows = tile.BiasRows + c * W.Count;
        nint step = plan.TileRows;
        int first = blockKey + band.First;
        int keys = band.End - band.First;
        if (keys <= 0) return;
        target += band.First * step + c * W.Count;
        switch (plan.Args.Score.BiasType)
        {
            case DType.Float16: LoadOperand<Float16Element>(rows, first, keys, bias.ColumnStride, target, step); break;
            case DType.BFloat16: LoadOperand<BFloat16Element>(rows, first, keys, bias.ColumnStride, target, step); break;
            default: LoadOperand<Float32Element>(rows, first, keys, bias.ColumnStride, target, step); break;
        }
    }

    /// <summary>
    /// Asks for a few lanes' bias and mask of the next block of keys while the scores of the keys [key, key + keys) of this one are
    /// computed: the rows are far apart, which hardware does not foresee, and all at once are more than memory answers in time.
    /// </summary>
    public static void Fetch(in AttentionPlan plan, in QueryTile tile, int blockKey, int key, int keys)
    {
        ref readonly var rules = ref plan.Args.Score;
        if (rules.Bias.Data == null && rules.Mask.Data == null) return;
        int first = blockKey + AttentionPlan.BlockKeys;
        int count = Math.Min(AttentionPlan.BlockKeys, tile.KeyEnd - first);
        bool bias = rules.Bias.Data != null && rules.Bias.ColumnStride != 0;
        bool mask = rules.Mask.Data != null && rules.Mask.ColumnStride != 0;
        int size = rules.BiasType.Size();
        int end = (key + keys) * plan.TileRows / AttentionPlan.BlockKeys;
        for (int lane = key * plan.TileRows / AttentionPlan.BlockKeys; lane < end; lane++)
        {
            if (bias) Rows<W, V>.Prefetch(tile.BiasRows[lane] + (nint)first * size, count * size);
            if (mask) Rows<W, V>.Prefetch(tile.MaskRows[lane] + first, count);
        }
    }

    /// <summary>operand[key * step + r] = element (r, first + key), whose column stride is 0 or 1.</summary>
    private static void LoadOperand<E>(byte** rows, int first, int keys, long columnStride, float* operand, nint step)
        where E : struct, IElement
    {
        if (columnStride != 0)
        {
            Transposed<W, V>.Load<E>(rows, first, keys, operand, step);
            return;
        }

        for (int r = 0; r < W.Count; r++) operand[r] = E.Load<Width1, float>(rows[r]);
        V row = W.Load(operand);
        for (int key = 1; key < keys; key++) W.Store(operand + key * step, row);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Softcap(float* s, nint step, int keys, float softcapLog2)
    {
        V cap = W.Set(softcapLog2);
        for (; keys > 0; keys--, s += step) W.Store(s, Exp2.Tanh<W, V>(W.Load(s), cap));
    }

    /// <summary>A bias of -inf hides the key whatever the score is, NaN included.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddBias(float* s, nint step, int keys, float* bias)
    {
        V hidden = W.Set(float.NegativeInfinity);
        V log2E = W.Set(Exp2.Log2E);
        for (; keys > 0; keys--, s += step, bias += step)
        {
            V b = W.Load(bias);
            W.Store(s, W.Select(W.Equal(b, hidden), hidden, W.Fma(b, log2E, W.Load(s))));
        }
    }

    private static void AddSlope(float* s, nint step, int keys, in QueryTile tile, int firstKey, int lane)
    {
        float* distances = stackalloc float[W.Count];
        for (int r = 0; r < W.Count; r++) distances[r] = tile.Aligned[lane + r] - firstKey;
        V distance = W.Load(distances);
        V slope = W.Load(tile.Slope + lane);
        V magnitude = W.SetBits(0x7FFFFFFF);
        for (; keys > 0; keys--, s += step)
        {
            W.Store(s, W.Fma(slope, W.And(distance, magnitude), W.Load(s)));
            distance = W.Subtract(distance, W.Set(1));
        }
    }

    /// <summary>The user's rule, lane by lane, over the keys that the lane's band holds.</summary>
    private static void Modify(in AttentionPlan plan, in QueryTile tile, int blockKey, in LaneBand band, int lane, float* s)
    {
        ref readonly var modifier = ref plan.Args.Score.Modifier;
        for (int r = 0; r < W.Count; r++)
        {
            var (query, head) = tile.RowOf(plan, lane + r);
            int first = Math.Max(band.First, tile.First[lane + r] - blockKey);
            int count = Math.Min(band.End, tile.End[lane + r] - blockKey) - first;
            ScorePosition at = new()
            {
                Batch = modifier.Batch + tile.Batch, Head = head, Query = query, Key = blockKey + first, Aligned = query + tile.Shift,
            };
            modifier.Apply(modifier.State, s + first * plan.TileRows + r, plan.TileRows, count, at, Exp2.Ln2);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HideMasked(float* s, nint step, int keys, float* mask)
    {
        V hidden = W.Set(float.NegativeInfinity);
        for (; keys > 0; keys--, s += step, mask += W.Count)
        {
            // Compared as bits: the bytes are small integers, which as floats are subnormal.
            W.Store(s, W.Select(W.LessBits(W.Zero, W.Load(mask)), W.Load(s), hidden));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void HideOtherDocuments(float* s, nint step, int keys, int* laneIds, int* keyIds)
    {
        V hidden = W.Set(float.NegativeInfinity);
        V lanes = W.Load((float*)laneIds);
        for (int key = 0; key < keys; key++, s += step)
        {
            V id = W.SetBits((uint)keyIds[key]);
            V differs = W.Or(W.LessBits(id, lanes), W.LessBits(lanes, id));
            W.Store(s, W.Select(differs, hidden, W.Load(s)));
        }
    }

    /// <summary>Hides the keys of hidden blocks, a stretch of keys of one block at a time.</summary>
    private static void HideBlocks(float* s, nint step, int keys, in ScoreArgs rules, byte** rows, int firstKey)
    {
        float* visible = stackalloc float[W.Count];
        V hidden = W.Set(float.NegativeInfinity);
        for (int key = 0; key < keys;)
        {
            int block = (firstKey + key) / rules.KeyBlock;
            int next = (int)Math.Min(keys, (block + 1L) * rules.KeyBlock - firstKey);
            for (int r = 0; r < W.Count; r++) visible[r] = rows[r][block * rules.Blocks.ColumnStride];
            V sees = W.Less(W.Zero, W.Load(visible));
            for (; key < next; key++, s += step) W.Store(s, W.Select(sees, W.Load(s), hidden));
        }
    }

    /// <summary>Hides the rows [from, to) of the block from the lanes whose band does not hold them.</summary>
    private static void HideOutside(float* s, nint step, int from, int to, in QueryTile tile, int blockKey, int lane)
    {
        if (from >= to) return;
        float* ends = stackalloc float[2 * W.Count];
        for (int r = 0; r < W.Count; r++)
        {
            ends[r] = tile.First[lane + r] - blockKey;
            ends[W.Count + r] = tile.End[lane + r] - blockKey;
        }

        V first = W.Load(ends);
        V end = W.Load(ends + W.Count);
        V hidden = W.Set(float.NegativeInfinity);
        s += from * step;
        for (int key = from; key < to; key++, s += step)
        {
            V j = W.Set(key);
            W.Store(s, W.Select(W.Less(j, first), hidden, W.Select(W.Less(j, end), W.Load(s), hidden)));
        }
    }
}
