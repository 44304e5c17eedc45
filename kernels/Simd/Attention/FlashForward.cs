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
    /// <summary>Rows of a tile that are asked for with each few keys: a block of keys is enough for all.</summary>
    private const int RowsFetched = 4;

    /// <summary>
    /// Work item: neighbouring tiles of a key head.
    /// Nothing looks at V beforehand: 0 * (infinity or NaN) of a hidden key leaves a NaN in O, and the item is computed again, guarded;
    /// items that begin after it are guarded from the start. The bits are the same either way.
    /// </summary>
    public static void Item(void* shared, int item, byte* memory)
    {
        ref var plan = ref Unsafe.AsRef<AttentionPlan>(shared);
        if (!Volatile.Read(ref plan.Guards) && TryCompute(plan, item, memory, guarded: false)) return;
        Volatile.Write(ref plan.Guards, true);
        TryCompute(plan, item, memory, guarded: true);
    }

    /// <summary>Computes and stores the tiles. False, nothing stored: some key was hidden, no guard was on, and O is not finite.</summary>
    private static bool TryCompute(in AttentionPlan plan, int item, byte* memory, bool guarded)
    {
        var (batch, headKv, firstRow) = plan.Place(item);
        int next = plan.Threads > 0 && item + plan.Threads < plan.Items ? item + plan.Threads : -1;
        int count = Math.Min(plan.ItemTiles, (plan.Rows - firstRow + plan.TileRows - 1) / plan.TileRows);

        float* scratch = (float*)memory;
        var tiles = stackalloc QueryTile[count];
        int first = int.MaxValue;
        int end = 0;
        for (int t = 0; t < count; t++)
        {
            tiles[t].Place(plan, batch, headKv, firstRow + t * plan.TileRows, ref scratch);
            tiles[t].LoadQuery<W, V, E>(plan, scratch + 2 * AttentionPlan.BlockKeys * plan.TileRows);
            tiles[t].Expect<E>(plan, next, t);
            first = Math.Min(first, tiles[t].KeyFirst);
            end = Math.Max(end, tiles[t].KeyEnd);
        }

        for (int key = first / AttentionPlan.BlockKeys * AttentionPlan.BlockKeys; key < end; key += AttentionPlan.BlockKeys)
        {
            int blockFirst = Math.Max(first, key);
            int blockEnd = Math.Min(end, key + AttentionPlan.BlockKeys);
            bool needed = false;
            for (int t = 0; t < count; t++) needed |= !(tiles[t].Skips = tiles[t].IsHidden(plan, blockFirst, blockEnd));
            if (!needed) continue;
            float* widened = scratch + 2 * AttentionPlan.BlockKeys * plan.TileRows;
            var block = KeyBlock.Of<W, V>(plan, batch, headKv, key, blockFirst, blockEnd, widened);
            for (int t = 0; t < count; t++) if (!tiles[t].Skips) Attend(plan, ref tiles[t], block, scratch, guarded);
        }

        for (int t = 0; t < count && !guarded; t++)
        {
            if (tiles[t].Hides && Rows<W, V>.HaveNonFinite<Float32Element>((byte*)tiles[t].O, plan.Args.HeadDimV,
                plan.TileRows * sizeof(float), tiles[t].Vectors * W.Count))
                return false;
        }

        for (int t = 0; t < count; t++) tiles[t].StoreOutput<W, V, E>(plan);
        return true;
    }

    /// <summary>Adds a block of keys to a tile.</summary>
    private static void Attend(in AttentionPlan plan, ref QueryTile tile, in KeyBlock block, float* scratch, bool guarded)
    {
        var band = stackalloc LaneBand[W.TileVectors];
        bool partial = LaneBand.Find(tile, block.Key, W.Count, band, out int first, out int end);
        if (first >= end) return;
        float* scores = scratch;
        float* operand = scratch + AttentionPlan.BlockKeys * plan.TileRows;

        if (plan.AddsToBias)
        {
            for (int c = 0; c < tile.Vectors; c++) ScoreRules<W, V>.LoadBias(plan, tile, block.Key, band[c], c, scores);
            Scores<AddToBias>(plan, ref tile, block, band, first, end, scores);
        }
        else Scores<Overwrite>(plan, ref tile, block, band, first, end, scores);
        bool ruled = plan.HasRules || partial;
        for (int c = 0; c < tile.Vectors;)
        {
            int keys = band[c].End - band[c].First;
            int next = c + 1;
            while (next < tile.Vectors && band[next].First == band[c].First && band[next].End == band[c].End) next++;
            if (keys > 0)
            {
                for (int v = c; ruled && v < next; v++) ScoreRules<W, V>.Apply(plan, tile, block.Key, band[v], v, scores, operand);
                Softmax(plan, tile, c, next - c, scores + band[c].First * plan.TileRows + c * W.Count, keys);
            }

            c = next;
        }

        bool hides = partial || plan.Args.Score.HidesKeys;
        tile.Hides |= hides;
        if (guarded && hides && Rows<W, V>.HaveNonFinite<Float32Element>((byte*)(block.V + first * plan.StrideV), end - first,
            plan.StrideV * sizeof(float), plan.Args.HeadDimV)) AccumulateGuarded(plan, tile, block, band, first, end, scores);
        else Accumulate(plan, tile, block, band, first, end, scores);
        tile.Fresh = false;
    }

    /// <summary>S = K Q, for the lanes that see each stretch of keys. Meanwhile the memory fetches what comes next.</summary>
    private static void Scores<TStore>(in AttentionPlan plan, ref QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end,
        float* scores)
        where TStore : struct, IProductStore
    {
        for (int key = first; key < end;)
        {
            int next = LaneBand.NextStretch(band, tile.Vectors, key, end, out int from, out int to);
            for (; key < next && from < to;)
            {
                int lane = from * W.Count;
                int keys = TileProduct<W, V, Float32Element>.FirstRows(next - key);
                Fetch(plan, ref tile, block, key, keys);
                TileProduct<W, V, Float32Element>.Run<TStore>(keys, to - from, plan.Args.HeadDim,
                    block.K + key * plan.StrideK, plan.StrideK, 1, (byte*)(tile.Q + lane), plan.TileRows * sizeof(float),
                    scores + key * plan.TileRows + lane, plan.TileRows, null);
                key += keys;
            }

            key = next;
        }
    }

    /// <summary>
    /// Asks for the next keys of K, for these of V, which follow after the softmax, and for rows of O, of the next item's Q, and of
    /// the next block's bias and mask.
    /// </summary>
    private static void Fetch(in AttentionPlan plan, ref QueryTile tile, in KeyBlock block, int key, int keys)
    {
        tile.Output.Some<W, V>(RowsFetched);
        tile.NextQuery.Some<W, V>(RowsFetched);
        ScoreRules<W, V>.Fetch(plan, tile, block.Key, key, keys);
        if (plan.Widens) return;
        int end = Math.Min(key + 2 * keys, tile.KeyEnd - block.Key);
        for (int k = key + keys; k < end; k++) Rows<W, V>.Prefetch((byte*)(block.K + k * plan.StrideK), plan.Args.HeadDim * sizeof(float));
        for (int k = key; k < key + keys; k++) Rows<W, V>.Prefetch((byte*)(block.V + k * plan.StrideV), plan.Args.HeadDimV * sizeof(float));
    }

    /// <summary>P, m, l and alpha of neighbouring vectors of lanes that see the same keys.</summary>
    private static void Softmax(in AttentionPlan plan, in QueryTile tile, int first, int vectors, float* scores, int keys)
    {
        float* m = tile.M + first * W.Count;
        float* l = tile.L + first * W.Count;
        float* alpha = tile.Alpha + first * W.Count;
        switch (vectors)
        {
            case 1: OnlineSoftmax<W, V, Size1>.Run(scores, keys, plan.TileRows, m, l, alpha); break;
            case 2: OnlineSoftmax<W, V, Size2>.Run(scores, keys, plan.TileRows, m, l, alpha); break;
            case 3: OnlineSoftmax<W, V, Size3>.Run(scores, keys, plan.TileRows, m, l, alpha); break;
            default: OnlineSoftmax<W, V, Size4>.Run(scores, keys, plan.TileRows, m, l, alpha); break;
        }
    }

    /// <summary>O = O * alpha + V P.</summary>
    private static void Accumulate(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end,
        float* p)
    {
        int next = LaneBand.NextStretch(band, tile.Vectors, first, end, out int from, out int to);
        bool whole = next == end && from == 0 && to == tile.Vectors;
        float* ones = stackalloc float[W.Count * W.TileVectors];
        if (!whole) ScaleOutput(plan, tile, band, ones);
        AddProducts(plan, tile, block, band, first, end, p, !whole ? ones : tile.Fresh ? null : tile.Alpha);
    }

    /// <summary>O = O * scale + V P over the keys [first, end) of the block.</summary>
    private static void AddProducts(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end,
        float* p, float* scale)
    {
        for (int key = first; key < end;)
        {
            int next = LaneBand.NextStretch(band, tile.Vectors, key, end, out int from, out int to);
            if (from < to)
            {
                int lane = from * W.Count;
                TileProduct<W, V, Float32Element>.Run(plan.Args.HeadDimV, to - from, next - key,
                    block.V + key * plan.StrideV, 1, plan.StrideV, (byte*)(p + key * plan.TileRows + lane), plan.TileRows * sizeof(float),
                    tile.O + lane, plan.TileRows, scale);
            }

            key = next;
        }
    }

    /// <summary>O = O * alpha for the lanes that see keys of the block, or 0 where O holds nothing yet. The scale is then 1.</summary>
    private static void ScaleOutput(in AttentionPlan plan, in QueryTile tile, LaneBand* band, float* ones)
    {
        for (int c = 0; c < W.TileVectors; c++) W.Store(ones + c * W.Count, W.Set(1));
        for (int c = 0; c < tile.Vectors; c++)
        {
            if (!tile.Fresh && band[c].First >= band[c].End) continue;
            float* o = tile.O + c * W.Count;
            V alpha = tile.Fresh ? W.Zero : W.Load(tile.Alpha + c * W.Count);
            for (int d = 0; d < plan.Args.HeadDimV; d++, o += plan.TileRows) W.Store(o, tile.Fresh ? W.Zero : W.Multiply(alpha, W.Load(o)));
        }
    }

    /// <summary>
    /// As <see cref="Accumulate"/>, in the same order, but a key of weight 0 contributes nothing: its V may be infinite or NaN. Stretches
    /// of finite keys are products like any other.
    /// </summary>
    private static void AccumulateGuarded(in AttentionPlan plan, in QueryTile tile, in KeyBlock block, LaneBand* band, int first, int end,
        float* p)
    {
        float* ones = stackalloc float[W.Count * W.TileVectors];
        ScaleOutput(plan, tile, band, ones);
        for (int key = first; key < end; key++)
        {
            int next = key;
            while (next < end && IsFinite(block.V + next * plan.StrideV, plan.Args.HeadDimV)) next++;
            AddProducts(plan, tile, block, band, key, next, p, ones);
            if (next < end) AddVisible(plan, tile, block.V + next * plan.StrideV, band, next, p + next * plan.TileRows);
            key = next;
        }
    }

    private static bool IsFinite(float* v, int columns) => !Rows<W, V>.HaveNonFinite<Float32Element>((byte*)v, 1, 0, columns);

    /// <summary>O = O + v P of one key, in the lanes where its weight is not 0.</summary>
    private static void AddVisible(in AttentionPlan plan, in QueryTile tile, float* v, LaneBand* band, int key, float* p)
    {
        for (int c = 0; c < tile.Vectors; c++)
        {
            V weight = W.Load(p + c * W.Count);
            if (key < band[c].First || key >= band[c].End || W.SumAcross(weight) == 0) continue;
            float* o = tile.O + c * W.Count;
            for (int d = 0; d < plan.Args.HeadDimV; d++, o += plan.TileRows)
            {
                V sum = W.Load(o);
                V more = W.Fma(W.Set(v[d]), weight, sum);
                W.Store(o, W.Select(W.Equal(weight, W.Zero), sum, more));
            }
        }
    }
}
