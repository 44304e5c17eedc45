using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>Merges the parts of up to <see cref="Block"/> rows of one head.</summary>
internal static unsafe class MergeRows<W, V, EParts, E>
    where W : struct, IWidth<V>
    where V : struct
    where EParts : struct, IElement
    where E : struct, IElement
{
    /// <summary>Rows of a work item: enough to be worth the hand-over.</summary>
    public const int Block = 32;

    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly MergeArgs args = ref Unsafe.AsRef<MergeArgs>(shared);
        int blocks = (args.Seq + Block - 1) / Block;
        int first = item % blocks * Block;
        int h = item / blocks % args.Heads;
        int b = item / blocks / args.Heads;
        int end = Math.Min(first + Block, args.Seq);
        for (int i = first; i < end; i++) Merge(args, b, h, i, (float*)memory);
    }

    private static void Merge(in MergeArgs args, int b, int h, int i, float* weights)
    {
        long row = ((long)b * args.Heads + h) * args.Seq + i;
        float lse = Weights(args, row, weights);
        if (args.Lse != null) args.Lse[row] = lse;

        byte* parts = (byte*)args.PartsO.Data
            + EParts.Size * (b * args.PartsO.BatchStride + h * args.PartsO.HeadStride + i * args.PartsO.RowStride);
        byte* o = (byte*)args.O.Data + E.Size * (b * args.O.BatchStride + h * args.O.HeadStride + i * args.O.RowStride);
        long step = EParts.Size * args.Batch * args.PartsO.BatchStride;
        int d = 0;
        for (; d <= args.HeadDim - W.Count; d += W.Count)
            E.Store<W, V>(o + d * E.Size, Sum<W, V>(parts + d * EParts.Size, step, args.Parts, weights));
        for (; d < args.HeadDim; d++)
            E.Store<Width1, float>(o + d * E.Size, Sum<Width1, float>(parts + d * EParts.Size, step, args.Parts, weights));
    }

    /// <summary>The weight of every part, 0 where it saw no key; returns the log-sum-exp of all.</summary>
    private static float Weights(in MergeArgs args, long row, float* weights)
    {
        long rows = (long)args.Batch * args.Heads * args.Seq;
        float max = float.NegativeInfinity;
        for (int p = 0; p < args.Parts; p++) max = MathF.Max(max, args.PartsLse[p * rows + row]);
        float sum = 0;
        for (int p = 0; p < args.Parts; p++)
        {
            float lse = args.PartsLse[p * rows + row];
            weights[p] = float.IsNegativeInfinity(lse) ? 0 : MathF.Exp(lse - max);
            sum += weights[p];
        }
        if (float.IsNegativeInfinity(max)) return max;
        for (int p = 0; p < args.Parts; p++) weights[p] /= sum;
        return max + MathF.Log(sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static V2 Sum<W2, V2>(byte* part, long step, int parts, float* weights)
        where W2 : struct, IWidth<V2>
        where V2 : struct
    {
        V2 sum = W2.Zero;
        for (int p = 0; p < parts; p++, part += step)
        {
            if (weights[p] != 0) sum = W2.Fma(W2.Set(weights[p]), EParts.Load<W2, V2>(part), sum);
        }
        return sum;
    }
}
