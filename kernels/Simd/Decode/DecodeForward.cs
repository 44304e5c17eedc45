using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Attention for few query rows per key head, bound by the speed at which K and V come from memory: each is streamed once for all rows.
/// K and V are read where they lie, a run of neighbouring rows at a time, and widened as they are loaded.
/// A work item is a stretch of keys; it leaves m = max(s), l = sum(exp(s - m)) and O = sum(exp(s - m) V) of each row, and the last item
/// of a key head to finish combines them in the order of the keys.
/// </summary>
internal static unsafe class DecodeForward<W, V, E, EK>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
    where EK : struct, IKeyElement
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

        // Query 0 sees the first keys, the last query the last ones.
        int keyLength = args.Score.KeyLengths == null ? args.SeqKv : Math.Clamp(args.Score.KeyLengths[batch], 0, args.SeqKv);
        int shift = args.Score.Band.ShiftFor(args.SeqQ, keyLength);
        int first = Math.Max(firstKey, args.Score.Band.First(0, shift));
        int end = Math.Min(firstKey + DecodePlan.SplitKeys, args.Score.Band.End(args.SeqQ - 1, shift, keyLength));
        if (first < end && !TileMask.Hides(args.Score, batch, headKv * plan.Group, plan.Group, 0, args.SeqQ - 1, first, end))
        {
            LoadQuery(plan, batch, headKv, shift, q);
            Dots(plan, batch, headKv, firstKey, first, end, q, dots, operand + DecodePlan.SplitKeys);
            bool hides = Weights(plan, item, batch, headKv, shift, keyLength, firstKey, first, end, dots, weights, operand);
            Accumulate(plan, item, batch, headKv, firstKey, first, end, weights, hides);
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

    private static void LoadQuery(in DecodePlan plan, int batch, int headKv, int shift, float* q)
    {
        for (int row = 0; row < plan.Rows; row++, q += plan.StepK)
        {
            byte* source = Address(plan.Args.Q, batch, headKv * plan.Group + row % plan.Group, row / plan.Group);
            Rows<W, V>.Widen<E>(source, q, plan.Args.HeadDim);
            if (plan.Args.Vectors.ArePresent)
            {
                int position = plan.Args.Vectors.OfQuery(batch, row / plan.Group, shift);
                VectorRow<W, V>.Apply(plan.Args.Vectors, q, plan.Args.HeadDim, position);
                continue;
            }

            if (EK.Pairs) SplitPairs(q, plan.Args.HeadDim);
            if (EK.Unit != 1) Rows<W, V>.Multiply(q, QueryUnit, plan.Args.HeadDim);
        }
    }

    /// <summary>
    /// What Q is multiplied with where values of K are not their own size, Unit / QueryUnit being left for the dot products: all of it
    /// could overflow, and products below 2^-78 are nothing beside a score.
    /// </summary>
    private static float QueryUnit => 1.8446744e19f;

    /// <summary>Every stretch of two vectors to its even, then its odd elements.</summary>
    private static void SplitPairs(float* x, int columns)
    {
        float* stretch = stackalloc float[2 * W.Count];
        for (int c = 0; c < columns; c += 2 * W.Count)
        {
            for (int i = 0; i < 2 * W.Count; i++) stretch[i] = x[c + i];
            for (int i = 0; i < 2 * W.Count; i++) x[c + i / 2 + i % 2 * W.Count] = stretch[i];
        }
    }

    /// <summary>The inverse of <see cref="SplitPairs"/>.</summary>
    private static void JoinPairs(float* x, int columns)
    {
        float* stretch = stackalloc float[2 * W.Count];
        for (int c = 0; c < columns; c += 2 * W.Count)
        {
            for (int i = 0; i < 2 * W.Count; i++) stretch[i] = x[c + i / 2 + i % 2 * W.Count];
            for (int i = 0; i < 2 * W.Count; i++) x[c + i] = stretch[i];
        }
    }

    /// <summary>dots (rows, SplitKeys) = Q K^T.</summary>
    private static void Dots(in DecodePlan plan, int batch, int headKv, int firstKey, int first, int end, float* q, float* dots,
        float* changed)
    {
        ref readonly var args = ref plan.Args;
        if (args.Vectors.ArePresent)
        {
            ChangedDots(plan, batch, headKv, firstKey, first, end, q, dots, changed);
            return;
        }

        for (int key = first; key < end;)
        {
            var run = KeyRun<EK>.At(args, args.K, batch, headKv, key, end);
            run.PrefetchAhead<W, V>(args, args.K, batch, headKv, key, args.HeadDim);
            float* target = dots + key - firstKey;
            DotProducts<W, V, EK>.Run(q, plan.Rows, plan.StepK, run.First, run.Count, run.Step, args.HeadDim, target, DecodePlan.SplitKeys);
            if (args.Keys.Type == DType.Int8) Scale(plan, args.Keys.KScales, batch, headKv, key, run.Count, target, false);
            key += run.Count;
        }

        if (EK.Unit == 1) return;
        for (int row = 0; row < plan.Rows; row++)
            Rows<W, V>.Multiply(dots + row * DecodePlan.SplitKeys, EK.Unit / QueryUnit, DecodePlan.SplitKeys);
    }

    /// <summary>The same of keys that change before, a block at a time in scratch.</summary>
    private static void ChangedDots(in DecodePlan plan, int batch, int headKv, int firstKey, int first, int end, float* q, float* dots,
        float* changed)
    {
        ref readonly var args = ref plan.Args;
        for (int key = first; key < end; key += DecodePlan.BlockKeys)
        {
            int count = Math.Min(DecodePlan.BlockKeys, end - key);
            KeyRows<W, V>.Gather(args.Keys, args.K, args.Keys.KScales, batch, headKv, key, count, args.HeadDim, changed, plan.StepK);
            VectorRow<W, V>.ApplyToKeys(args.Vectors, batch, key, count, args.HeadDim, changed, plan.StepK);
            DotProducts<W, V, Plain<Float32Element>>.Run(q, plan.Rows, plan.StepK, (byte*)changed, count, plan.StepK * sizeof(float),
                args.HeadDim, dots + key - firstKey, DecodePlan.SplitKeys);
        }
    }

    /// <summary>Multiplies the columns of x (rows, SplitKeys) with the scales of the keys; a 0 stays 0 where it hides the scale.</summary>
    private static void Scale(in DecodePlan plan, in HeadTensor scales, int batch, int headKv, int key, int count, float* x,
        bool zeroHides)
    {
        for (int j = 0; j < count; j++, x++)
        {
            float scale = ((float*)scales.Data)[KeyRows<W, V>.Index(plan.Args.Keys, scales, batch, headKv, key + j)];
            for (int row = 0; row < plan.Rows; row++)
            {
                float* element = x + row * DecodePlan.SplitKeys;
                if (!zeroHides || *element != 0) *element *= scale;
            }
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
        float* weights, bool hides)
    {
        ref readonly var args = ref plan.Args;
        int whole = args.HeadDimV / W.Count;
        float* o = plan.PartialO(item, 0);
        if (EK.Unit != 1)
            for (int row = 0; row < plan.Rows; row++)
                Rows<W, V>.Multiply(weights + row * DecodePlan.SplitKeys, EK.Unit, DecodePlan.SplitKeys);
        float* ones = stackalloc float[W.Count * W.TileVectors];
        for (int i = 0; i < W.Count * W.TileVectors; i++) ones[i] = 1;
        for (int key = first; key < end;)
        {
            var run = KeyRun<EK>.At(args, args.V, batch, headKv, key, end);
            run.PrefetchAhead<W, V>(args, args.V, batch, headKv, key, args.HeadDimV);
            float* p = weights + key - firstKey;
            if (args.Keys.Type == DType.Int8) Scale(plan, args.Keys.VScales, batch, headKv, key, run.Count, p, hides);
            bool guarded = hides && Rows<W, V>.HaveNonFinite<EK>(run.First, run.Count, run.Step, args.HeadDimV);
            if (guarded) TileProduct<W, V, EK>.RunWithoutZeros(plan.Rows, whole, run.Count, p, DecodePlan.SplitKeys, 1, run.First,
                run.Step, o, plan.StepV, key == first);
            for (int c = 0; c < whole && !guarded; c += W.TileVectors)
            {
                int lane = c * W.Count;
                TileProduct<W, V, EK>.Run(plan.Rows, Math.Min(W.TileVectors, whole - c), run.Count, p, DecodePlan.SplitKeys, 1,
                    run.First + lane * EK.Size, run.Step, o + lane, plan.StepV, key == first ? null : ones);
            }

            for (int c = whole * W.Count; c < args.HeadDimV; c++) AccumulateColumn(plan, p, run, c, o + c, key == first);
            key += run.Count;
        }
    }

    /// <summary>One column of O past the whole vectors, without the terms of weight 0: their V may be infinite or NaN.</summary>
    private static void AccumulateColumn(in DecodePlan plan, float* p, in KeyRun<EK> run, int column, float* o, bool fresh)
    {
        for (int row = 0; row < plan.Rows; row++)
        {
            float sum = fresh ? 0 : o[row * plan.StepV];
            for (int j = 0; j < run.Count; j++)
            {
                float weight = p[row * DecodePlan.SplitKeys + j];
                if (weight != 0) sum = MathF.FusedMultiplyAdd(weight, run.Element(j, column), sum);
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
            if (EK.Pairs && sum != null) JoinPairs(sum, args.HeadDimV);
            if (sum == null) Rows<W, V>.Fill<E>(target, 0, args.HeadDimV);
            else Rows<W, V>.Narrow<E>(sum, 1 / l, target, args.HeadDimV);
            if (args.Lse != null) args.LseOf(batch, head)[query] = m + MathF.Log(l);
        }
    }
}
