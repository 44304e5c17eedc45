using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>A work item: the weights of one row for one stretch of keys, with the dot products and score rules of decoding.</summary>
internal static unsafe class RowWeights<W, V, E>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
{
    /// <summary>Keys of a work item.</summary>
    private const int ItemKeys = 512;

    /// <summary>Keys that are gathered and widened at a time.</summary>
    private const int BlockKeys = 32;

    /// <summary>Work items of a row.</summary>
    public static int Items(in AttentionArgs args) => (args.SeqKv + ItemKeys - 1) / ItemKeys;

    /// <summary>A query, a row of dot products, an operand of the score rules, and a widened block of K.</summary>
    public static long ScratchBytes(in AttentionArgs args) =>
        sizeof(float) * ((1 + BlockKeys) * Scratch.Align(args.HeadDim) + 2L * ItemKeys);

    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly var weights = ref Unsafe.AsRef<WeightsArgs>(shared);
        int items = Items(weights.Attention);
        int firstKey = item % items * ItemKeys;
        int endKey = Math.Min(weights.Attention.SeqKv, firstKey + ItemKeys);
        int* row = weights.Rows + item / items * weights.RowsStride;
        (int head, int query) = (row[1], row[2]);
        float* p = weights.P + item / items * weights.PStride;

        AttentionArgs args = Sequences.Alone(weights.Attention, row[0]);
        int shift = args.Score.Band.ShiftFor(args.SeqQ, args.SeqKv);
        int first = Math.Clamp(args.Score.Band.First(query, shift), firstKey, endKey);
        int end = Math.Clamp(args.Score.Band.End(query, shift, args.SeqKv), first, endKey);
        if (first < end && TileMask.Hides(args.Score, 0, head, 1, query, query, first, end)) end = first;
        new Span<float>(p + firstKey, first - firstKey).Clear();
        new Span<float>(p + end, endKey - end).Clear();
        if (first == end) return;

        float* dots = (float*)memory;
        Dots(args, head, query, shift, first, end, dots, dots + 2 * ItemKeys);
        RowScores<W, V>.Load<Float32Element>(
            args.Score, 0, head, query, shift, (byte*)(dots - first), first, end, p + first, dots + ItemKeys);
        float lse = args.LseOf(0, head)[query];
        // The exponential of a hidden score less an LSE of NaN or -inf is not 0.
        if (float.IsFinite(lse)) Rows<W, V>.Exponentials(p + first, end - first, lse, keep: false);
        else for (int key = first; key < end; key++) p[key] = float.IsNegativeInfinity(p[key]) ? 0 : MathF.Exp(p[key] - lse);
    }

    /// <summary>dots[key - first] = q . K_key.</summary>
    private static void Dots(in AttentionArgs args, int head, int query, int shift, int first, int end, float* dots, float* scratch)
    {
        nint step = (nint)Scratch.Align(args.HeadDim);
        int headKv = head / (args.HeadsQ / args.HeadsKv);
        bool isGathered = args.Vectors.ArePresent || KeyRows<W, V>.AreGathered(args.Keys);
        float* widened = scratch + step;
        byte* q = (byte*)args.Q.Data + E.Size * (head * args.Q.HeadStride + query * args.Q.RowStride);
        Rows<W, V>.Widen<E>(q, scratch, args.HeadDim);
        if (args.Vectors.ArePresent) VectorRow<W, V>.Apply(args.Vectors, scratch, args.HeadDim, args.Vectors.OfQuery(0, query, shift));
        for (int key = first; key < end; key += BlockKeys)
        {
            int count = Math.Min(BlockKeys, end - key);
            float* k = (float*)args.K.Data + (headKv * args.K.HeadStride + key * args.K.RowStride);
            if (isGathered)
            {
                k = widened;
                KeyRows<W, V>.Gather(args.Keys, args.K, args.Keys.KScales, 0, headKv, key, count, args.HeadDim, widened, step);
                if (args.Vectors.ArePresent) VectorRow<W, V>.ApplyToKeys(args.Vectors, 0, key, count, args.HeadDim, widened, step);
            }
            nint stride = sizeof(float) * (isGathered ? step : (nint)args.K.RowStride);
            DotProducts<W, V, Plain<Float32Element>>.Run(
                scratch, 1, step, (byte*)k, count, stride, args.HeadDim, dots + key - first, ItemKeys);
        }
    }
}
