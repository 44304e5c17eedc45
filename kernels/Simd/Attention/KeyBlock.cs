namespace AttnKernels.Simd;

/// <summary>
/// Up to BlockKeys consecutive keys of one key head: rows of K and V as fp32, where they lie or gathered and widened to scratch.
/// Only rows that some query of the item sees are ever read.
/// </summary>
internal unsafe struct KeyBlock
{
    /// <summary>The key of row 0.</summary>
    public int Key;

    public float* K;
    public float* V;

    /// <summary>The block that starts at <paramref name="key"/>, of which the keys from first to end are used.</summary>
    public static KeyBlock Of<W, V>(in AttentionPlan plan, int batch, int headKv, int key, int first, int end, float* scratch)
        where W : struct, IWidth<V>
        where V : struct
    {
        ref readonly var args = ref plan.Args;
        if (!plan.Widens)
        {
            return new KeyBlock
            {
                Key = key,
                K = (float*)args.K.Data + (batch * args.K.BatchStride + headKv * args.K.HeadStride + key * args.K.RowStride),
                V = (float*)args.V.Data + (batch * args.V.BatchStride + headKv * args.V.HeadStride + key * args.V.RowStride),
            };
        }

        var block = new KeyBlock { Key = key, K = scratch, V = scratch + AttentionPlan.BlockKeys * plan.StrideK };
        int row = first - key;
        KeyRows<W, V>.Gather(args.Keys, args.K, args.Keys.KScales, batch, headKv, first, end - first, args.HeadDim,
            block.K + row * plan.StrideK, plan.StrideK);
        if (args.Vectors.ArePresent)
        {
            VectorRow<W, V>.ApplyToKeys(args.Vectors, batch, first, end - first, args.HeadDim, block.K + row * plan.StrideK, plan.StrideK);
        }

        KeyRows<W, V>.Gather(args.Keys, args.V, args.Keys.VScales, batch, headKv, first, end - first, args.HeadDimV,
            block.V + row * plan.StrideV, plan.StrideV);
        return block;
    }
}
