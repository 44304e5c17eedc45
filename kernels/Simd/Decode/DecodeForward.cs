using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Attention for few query rows per key head, bound by the speed at which K and V come from memory: each is streamed once for all rows.
/// A work item is a stretch of keys; it leaves m = max(s), l = sum(exp(s - m)) and O = sum(exp(s - m) V) of each row, and the last item
/// of a key head to finish combines them in the order of the keys.
/// </summary>
internal static unsafe class DecodeForward<W, V, E>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
{
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly var plan = ref Unsafe.AsRef<DecodePlan>(shared);
        ref readonly var args = ref plan.Args;
        int headIndex = item / plan.Splits;
        int batch = headIndex / args.HeadsKv;
        int headKv = headIndex % args.HeadsKv;
        int firstKey = item % plan.Splits * DecodePlan.SplitKeys;

        float* q = (float*)memory;
        float* dots = q + plan.Rows * plan.StepK;
        float* weights = dots + plan.Rows * DecodePlan.SplitKeys;
        float* operand = weights + plan.Rows * DecodePlan.SplitKeys;
        float* widened = operand + DecodePlan.SplitKeys;

        // Query 0 sees the first keys, the last query the last ones.
        int keyLength = args.Score.KeyLengths == null ? args.SeqKv : Math.Clamp(args.Score.KeyLengths[batch], 0, args.SeqKv);
        int shift = args.Score.Band.ShiftFor(args.SeqQ, keyLength);
        int first = Math.Max(firstKey, args.Score.Band.First(0, shift));
        int end = Math.Min(firstKey + DecodePlan.SplitKeys, args.Score.Band.End(args.SeqQ - 1, shift, keyLength));
        if (first < end && !TileMask.Hides(args.Score, batch, headKv * plan.Group, plan.Group, 0, args.SeqQ - 1, first, end))
        {
            LoadQuery(plan, batch, headKv, q);
            Dots(plan, batch, headKv, firstKey, first, end, q, dots, widened);
            bool hides = Weights(plan, item, batch, headKv, shift, keyLength, firstKey, first, end, dots, weights, operand);
            Accumulate(plan, item, batch, headKv, firstKey, first, end, weights, widened, hides);
        }
        else
        {
            for (int row = 0; row < plan.Rows; row++)
            {
                plan.PartialM(item, row)[0] = float.NegativeInfinity;
                plan.PartialM(item, row)[1] = 0;
            }
        }

        if (Interlocked.Increment(ref plan.Finished[headIndex]) == plan.Splits) Combine(plan, headIndex, batch, headKv);
    }

    private static byte* Address(in HeadTensor tensor, int batch, int head, int row) =>
        (byte*)tensor.Data + E.Size * (batch * tensor.BatchStride + head * tensor.HeadStride + row * tensor.RowStride);

    private static void LoadQuery(in DecodePlan plan, int batch, int headKv, float* q)
    {
        for (int row = 0; row < plan.Rows; row++)
        {
            byte* source = Address(plan.Args.Q, batch, headKv * plan.Group + row % plan.Group, row / plan.Group);
            Rows<W, V>.Widen<E>(source, q + row * plan.StepK, plan.Args.HeadDim);
        }
    }

    /// <summary>Rows [key, key + count) of K or V as fp32: where they lie, or gathered and widened.</summary>
    private static float* Block(in DecodePlan plan, in HeadTensor tensor, in HeadTensor scales, int batch, int headKv, int key, int count,
        int columns, int step, float* widened, out nint stride)
    {
        stride = (nint)tensor.RowStride;
        if (!plan.Widens) return (float*)tensor.Data + (batch * tensor.BatchStride + headKv * tensor.HeadStride + key * stride);
        KeyRows<W, V>.Gather(plan.Args.Keys, tensor, scales, batch, headKv, key, count, columns, widened, step);
        stride = step;
        return widened;
    }

    /// <summary>dots (rows, SplitKeys) = Q K^T.</summary>
    private static void Dots(in DecodePlan plan, int batch, int headKv, int firstKey, int first, int end, float* q, float* dots,
        float* widened)
    {
        for (int key = first; key < end; key += DecodePlan.BlockKeys)
        {
            int count = Math.Min(DecodePlan.BlockKeys, end - key);
            float* k = Block(plan, plan.Args.K, plan.Args.Keys.KScales, batch, headKv, key, count, plan.Args.HeadDim, plan.StepK, widened,
                out nint stride);
            DotProducts<W, V>.Run(q, plan.Rows, plan.StepK, k, count, stride, plan.Args.HeadDim, dots + key - firstKey,
                DecodePlan.SplitKeys);
        }
    }

    /// <summary>
    /// weights = exp(s - m), 0 where hidden, and m and l of each row. True where a key is hidden from a row in [first, end).
    /// </summary>
    private static bool Weights(in DecodePlan plan, int item, int batch, int headKv, int shift, int keyLength, int firstKey,
        int first, int end,
        float* dots, float* weights, float* operand)
    {
        ref readonly var rules = ref plan.Args.Score;
        bool hides = rules.HidesKeys;
        for (int row = 0; row < plan.Rows; row++)
        {
            int query = row / plan.Group;
            int head = headKv * plan.Group + row % plan.Group;
            int from = Math.Clamp(rules.Band.First(query, shift), first, end);
            int to = Math.Clamp(rules.Band.End(query, shift, keyLength), from, end);
            hides |= from > first || to < end;
            float* p = weights + row * DecodePlan.SplitKeys - firstKey;
            float* x = dots + row * DecodePlan.SplitKeys - firstKey;
            float* partial = plan.PartialM(item, row);
            partial[0] = RowScores<W, V>.Load<Float32Element>(rules, batch, head, query, shift, (byte*)x, from, to, p + from, operand);
            partial[1] = Rows<W, V>.Exponentials(p + from, to - from, partial[0], keep: false);
            for (int key = first; key < from; key++) p[key] = 0;
            for (int key = to; key < end; key++) p[key] = 0;
        }

        return hides;
    }

    /// <summary>Partial O = weights V.</summary>
    private static void Accumulate(in DecodePlan plan, int item, int batch, int headKv, int firstKey, int first, int end,
        float* weights, float* widened, bool hides)
    {
        int whole = plan.Args.HeadDimV / W.Count;
        float* o = plan.PartialO(item, 0);
        float* ones = stackalloc float[W.Count * W.TileVectors];
        for (int i = 0; i < W.Count * W.TileVectors; i++) ones[i] = 1;
        for (int key = first; key < end; key += DecodePlan.BlockValues)
        {
            int count = Math.Min(DecodePlan.BlockValues, end - key);
            float* v = Block(plan, plan.Args.V, plan.Args.Keys.VScales, batch, headKv, key, count, plan.Args.HeadDimV, plan.StepV, widened,
                out nint stride);
            if (!plan.Widens) Rows<W, V>.Prefetch(v + DecodePlan.KeysAhead * stride, count, stride, plan.Args.HeadDimV);
            float* p = weights + key - firstKey;
            bool guarded = hides && Rows<W, V>.HaveNonFinite(v, count, stride, plan.Args.HeadDimV);
            if (guarded) TileProduct<W, V>.RunWithoutZeros(plan.Rows, whole, count, p, DecodePlan.SplitKeys, 1, v, stride, o,
                plan.StepV, key == first);
            for (int c = 0; c < whole && !guarded; c += W.TileVectors)
            {
                int lane = c * W.Count;
                TileProduct<W, V>.Run(plan.Rows, Math.Min(W.TileVectors, whole - c), count, p, DecodePlan.SplitKeys, 1,
                    v + lane, stride, o + lane, plan.StepV, key == first ? null : ones);
            }

            for (int c = whole * W.Count; c < plan.Args.HeadDimV; c++) AccumulateColumn(plan, p, v + c, count, stride, o + c, key == first);
        }
    }

    /// <summary>One column of O past the whole vectors, without the terms of weight 0: their V may be infinite or NaN.</summary>
    private static void AccumulateColumn(in DecodePlan plan, float* p, float* v, int count, nint stride, float* o, bool fresh)
    {
        for (int row = 0; row < plan.Rows; row++)
        {
            float sum = fresh ? 0 : o[row * plan.StepV];
            for (int j = 0; j < count; j++)
            {
                float weight = p[row * DecodePlan.SplitKeys + j];
                if (weight != 0) sum = MathF.FusedMultiplyAdd(weight, v[j * stride], sum);
            }

            o[row * plan.StepV] = sum;
        }
    }

    /// <summary>O and Lse of a key head's rows from the partial results, in the order of the keys.</summary>
    private static void Combine(in DecodePlan plan, int headIndex, int batch, int headKv)
    {
        ref readonly var args = ref plan.Args;
        int firstItem = headIndex * plan.Splits;
        for (int row = 0; row < plan.Rows; row++)
        {
            int query = row / plan.Group;
            int head = headKv * plan.Group + row % plan.Group;
            float sink = args.Score.SinkOf(head);
            float m = sink;
            for (int s = 0; s < plan.Splits; s++) m = Width1.Max(m, plan.PartialM(firstItem + s, row)[0]);
            float l = float.IsNegativeInfinity(sink) ? 0 : MathF.Exp(sink - m);
            float* sum = null;
            for (int s = 0; s < plan.Splits; s++)
            {
                float* partial = plan.PartialM(firstItem + s, row);
                if (partial[1] == 0) continue; // not m = -inf: a NaN may have been passed over by the maximum
                float weight = MathF.Exp(partial[0] - m);
                l += weight * partial[1];
                float* o = plan.PartialO(firstItem + s, row);
                Rows<W, V>.AddScaled(o, weight, sum, plan.StepV);
                sum = o;
            }

            byte* target = Address(args.O, batch, head, query);
            if (sum == null) Rows<W, V>.Fill<E>(target, 0, args.HeadDimV);
            else Rows<W, V>.Narrow<E>(sum, 1 / l, target, args.HeadDimV);
            if (args.Lse != null) args.LseOf(batch, head)[query] = m + MathF.Log(l);
        }
    }
}
