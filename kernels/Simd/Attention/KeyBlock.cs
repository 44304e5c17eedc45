namespace AttnKernels.Simd;

/// <summary>
/// Up to BlockKeys consecutive keys of one key head: rows of K and V as fp32, where they lie or widened to scratch.
/// Only rows that some query of the item sees are ever read.
/// </summary>
internal unsafe struct KeyBlock
{
    /// <summary>The key of row 0.</summary>
    public int Key;

    public float* K;
    public float* V;

    /// <summary>The block that starts at <paramref name="key"/>, of which the keys from first to end are used.</summary>
    public static KeyBlock Of<W, V, E>(in AttentionPlan plan, int batch, int headKv, int key, int first, int end, float* scratch)
        where W : struct, IWidth<V>
        where V : struct
        where E : struct, IElement
    {
        ref readonly var args = ref plan.Args;
        byte* k = (byte*)args.K.Data + E.Size * (batch * args.K.BatchStride + headKv * args.K.HeadStride + key * args.K.RowStride);
        byte* v = (byte*)args.V.Data + E.Size * (batch * args.V.BatchStride + headKv * args.V.HeadStride + key * args.V.RowStride);
        if (!plan.Widens) return new KeyBlock { Key = key, K = (float*)k, V = (float*)v };

        var block = new KeyBlock { Key = key, K = scratch, V = scratch + AttentionPlan.BlockKeys * plan.StrideK };
        for (int j = first - key; j < end - key; j++)
        {
            Rows<W, V>.Widen<E>(k + E.Size * (j * args.K.RowStride), block.K + j * plan.StrideK, args.HeadDim);
            Rows<W, V>.Widen<E>(v + E.Size * (j * args.V.RowStride), block.V + j * plan.StrideV, args.HeadDimV);
        }

        return block;
    }
}
