namespace AttnKernels.Simd;

/// <summary>Rows of K or V that do not lie as contiguous fp32: found by key, and widened to scratch.</summary>
internal static unsafe class KeyRows<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>Whether rows are read through scratch.</summary>
    public static bool AreGathered(in KeyArgs keys) => keys.Type != DType.Float32 || keys.BlockTable != null || keys.RingRows > 0;

    /// <summary>target[j * step ..] = key <paramref name="key"/> + j, for j below <paramref name="count"/>.</summary>
    public static void Gather(in KeyArgs keys, in HeadTensor tensor, in HeadTensor scales, int batch, int headKv, int key, int count,
        int columns, float* target, nint step)
    {
        switch (keys.Type)
        {
            case DType.Float16: Gather<Float16Element>(keys, tensor, batch, headKv, key, count, columns, target, step); break;
            case DType.BFloat16: Gather<BFloat16Element>(keys, tensor, batch, headKv, key, count, columns, target, step); break;
            case DType.Int8:
                Gather<Int8Element>(keys, tensor, batch, headKv, key, count, columns, target, step);
                Scale(keys, scales, batch, headKv, key, count, columns, target, step);
                break;
            default: Gather<Float32Element>(keys, tensor, batch, headKv, key, count, columns, target, step); break;
        }
    }

    private static void Gather<E>(in KeyArgs keys, in HeadTensor tensor, int batch, int headKv, int key, int count, int columns,
        float* target, nint step)
        where E : struct, IElement
    {
        for (int j = 0; j < count; j++, target += step)
            Rows<W, V>.Widen<E>((byte*)tensor.Data + E.Size * Index(keys, tensor, batch, headKv, key + j), target, columns);
    }

    private static void Scale(in KeyArgs keys, in HeadTensor scales, int batch, int headKv, int key, int count, int columns, float* target,
        nint step)
    {
        for (int j = 0; j < count; j++, target += step)
            Rows<W, V>.Multiply(target, ((float*)scales.Data)[Index(keys, scales, batch, headKv, key + j)], (int)Scratch.Align(columns));
    }

    /// <summary>The first element of a key's row.</summary>
    public static long Index(in KeyArgs keys, in HeadTensor tensor, int batch, int headKv, int key)
    {
        long entry = batch;
        long row = key + keys.RingFirst;
        if (keys.RingRows > 0 && row >= keys.RingRows) row -= keys.RingRows;
        if (keys.BlockTable != null)
        {
            entry = keys.BlockTable[batch * keys.TableStride + (key >> keys.BlockShift)];
            row = key & ((1 << keys.BlockShift) - 1);
        }

        return entry * tensor.BatchStride + headKv * tensor.HeadStride + row * tensor.RowStride;
    }
}
