using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// O = softmax(S) V one block of keys at a time (online softmax), for the tiles of one work item. Scores live transposed,
/// S (keys, lanes): K and V are then the operand that the micro-kernel broadcasts, so they are read where they lie, unpacked and
/// untransposed, and the softmax runs down the vectors without reductions across lanes.
/// <code>
/// S = K Q          (keys x headDim) (headDim x lanes)
/// m' = max(m, max over keys of S) ; alpha = exp2(m - m')
/// P = exp2(S - m') ; l = l * alpha + sum over keys of P
/// O = O * alpha + V P      (headDimV x keys) (keys x lanes)
/// </code>
/// </summary>
internal static unsafe class FlashForward<W, V, E>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
{
    /// <summary>Work item: the tiles [item % HeadItems] of a key head, the last ones first since under a causal mask they are the longest.</summary>
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly var plan = ref Unsafe.AsRef<AttentionPlan>(shared);
        int headKv = item / plan.HeadItems % plan.Args.HeadsKv;
        int batch = item / plan.HeadItems / plan.Args.HeadsKv;
        int firstRow = (plan.HeadItems - 1 - item % plan.HeadItems) * plan.ItemTiles * plan.TileRows;
        int count = Math.Min(plan.ItemTiles, (plan.Rows - firstRow + plan.TileRows - 1) / plan.TileRows);

        float* scratch = (float*)memory;
        var tiles = stackalloc QueryTile[count];
        int first = int.MaxValue;
        int end = 0;
        for (int t = 0; t < count; t++)
        {
            tiles[t].Place(plan, batch, headKv, firstRow + t * plan.TileRows, ref scratch);
            tiles[t].LoadQuery<W, V, E>(plan);
            first = Math.Min(first, tiles[t].KeyFirst);
            end = Math.Max(end, tiles[t].KeyEnd);
        }

        for (int key = first / AttentionPlan.BlockKeys * AttentionPlan.BlockKeys; key < end; key += AttentionPlan.BlockKeys)
        {
            int blockFirst = Math.Max(first, key);
            int blockEnd = Math.Min(end, key + AttentionPlan.BlockKeys);
            float* widened = scratch + 2 * AttentionPlan.BlockKeys * plan.TileRows;
            var block = KeyBlock.Of<W, V, E>(plan, batch, headKv, key, blockFirst, blockEnd, widened);
            for (int t = 0; t < count; t++) Attend(plan, ref tiles[t], block, scratch);
        }

        for (int t = 0; t < count; t++) tiles[t].StoreOutput<W, V, E>(plan);
    }

    /// <summary>Adds a block of keys to a tile.</summary>
    private static void Attend(in AttentionPlan plan, ref QueryTile tile, in KeyBlock block, float* scratch)
    {
        var band = stackalloc LaneBand[W.TileVectors];
        bool partial = LaneBand.Find(tile, block.Key, W.Count, band, out int first, out int end);
        if (first >= end) return;
        float* scores = scratch;
        float* operand = scratch + AttentionPlan.BlockKeys * plan.TileRows;

        Scores(plan, tile, block, band, first, end, scores);
        for (int c = 0; c < tile.Vectors; c++)
        {
            int keys = band[c].End - band[c].First;
            if (keys <= 0) continue;
            ScoreRules<W, V>.Apply(plan, tile, block.Key, band[c], c, scores, operand);
            Exponentials(plan, ref tile, c, scores + band[c].First * plan.TileRows + c * W.Count, keys);
        }

        bool hides = partial || plan.Args.Score.Mask.Data != null || plan.Args.Score.Bias.Data != null;
        if (hides && HasNonFinite(plan, block, first, end)) AccumulateGuarded(plan, tile, block, band, scores);
        else Accumulate(plan, tile, block, band, first, end, scores);
        tile.Fresh = false;
    }

    /// <summary>S = K Q, for the lanes that see each stretch of keys.</summary>
    private static void Scores(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end, float* scores)
    {
        for (int key = first; key < end;)
        {
            int next = LaneBand.NextStretch(band, tile.Vectors, key, end, out int from, out int to);
            if (from < to)
            {
                int lane = from * W.Count;
                TileProduct<W, V>.Run(next - key, to - from, plan.Args.HeadDim, block.K + key * plan.StrideK, plan.StrideK, 1,
                    tile.Q + lane, plan.TileRows, scores + key * plan.TileRows + lane, plan.TileRows, null);
            }

            key = next;
        }
    }

    /// <summary>P = exp2(S - m') in place, for one vector of lanes, and the new m, l and alpha.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Exponentials(in AttentionPlan plan, ref QueryTile tile, int c, float* scores, int keys)
    {
        nint step = plan.TileRows;
        V mOld = W.Load(tile.M + c * W.Count);
        V m = mOld;
        float* s = scores;
        for (int j = 0; j < keys; j++, s += step) m = W.Max(m, W.Load(s));

        // Where no key was seen yet, any finite maximum gives P = 0 and alpha = 0.
        V shift = W.Select(W.Equal(m, W.Set(float.NegativeInfinity)), W.Zero, m);
        V alpha = Exp2.Of<W, V>(W.Subtract(mOld, shift));
        V sum = W.Zero;
        s = scores;
        for (int j = 0; j < keys; j++, s += step)
        {
            V p = Exp2.Of<W, V>(W.Subtract(W.Load(s), shift));
            sum = W.Add(sum, p);
            W.Store(s, p);
        }

        W.Store(tile.M + c * W.Count, m);
        W.Store(tile.L + c * W.Count, W.Fma(W.Load(tile.L + c * W.Count), alpha, sum));
        W.Store(tile.Alpha + c * W.Count, alpha);
    }

    /// <summary>O = O * alpha + V P.</summary>
    private static void Accumulate(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end, float* p)
    {
        int next = LaneBand.NextStretch(band, tile.Vectors, first, end, out int from, out int to);
        bool whole = next == end && from == 0 && to == tile.Vectors;
        float* ones = stackalloc float[W.Count * W.TileVectors];
        float* scale = tile.Fresh ? null : tile.Alpha;
        if (!whole)
        {
            ScaleOutput(plan, tile, band);
            for (int c = 0; c < W.TileVectors; c++) W.Store(ones + c * W.Count, W.Set(1));
            scale = ones;
        }

        for (int key = first; key < end;)
        {
            next = LaneBand.NextStretch(band, tile.Vectors, key, end, out from, out to);
            if (from < to)
            {
                int lane = from * W.Count;
                TileProduct<W, V>.Run(plan.Args.HeadDimV, to - from, next - key, block.V + key * plan.StrideV, 1, plan.StrideV,
                    p + key * plan.TileRows + lane, plan.TileRows, tile.O + lane, plan.TileRows, scale);
            }

            key = next;
        }
    }

    /// <summary>O = O * alpha for the lanes that see keys of the block, or 0 where O holds nothing yet.</summary>
    private static void ScaleOutput(in AttentionPlan plan, in QueryTile tile, LaneBand* band)
    {
        for (int c = 0; c < tile.Vectors; c++)
        {
            if (!tile.Fresh && band[c].First >= band[c].End) continue;
            float* o = tile.O + c * W.Count;
            V alpha = tile.Fresh ? W.Zero : W.Load(tile.Alpha + c * W.Count);
            for (int d = 0; d < plan.Args.HeadDimV; d++, o += plan.TileRows) W.Store(o, tile.Fresh ? W.Zero : W.Multiply(alpha, W.Load(o)));
        }
    }

    private static bool HasNonFinite(in AttentionPlan plan, in KeyBlock block, int first, int end)
    {
        for (int key = first; key < end; key++)
        {
            if (Rows<W, V>.HasNonFinite(block.V + key * plan.StrideV, plan.Args.HeadDimV)) return true;
        }

        return false;
    }

    /// <summary>As <see cref="Accumulate"/>, in the same order, but a key of weight 0 contributes nothing: its V may be infinite or NaN.</summary>
    private static void AccumulateGuarded(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, float* p)
    {
        ScaleOutput(plan, tile, band);
        for (int c = 0; c < tile.Vectors; c++)
        {
            for (int d = 0; d < plan.Args.HeadDimV; d++)
            {
                float* o = tile.O + d * plan.TileRows + c * W.Count;
                V sum = W.Load(o);
                for (int key = band[c].First; key < band[c].End; key++)
                {
                    V weight = W.Load(p + key * plan.TileRows + c * W.Count);
                    V more = W.Fma(W.Set(block.V[key * plan.StrideV + d]), weight, sum);
                    sum = W.Select(W.Equal(weight, W.Zero), sum, more);
                }

                W.Store(o, sum);
            }
        }
    }
}
