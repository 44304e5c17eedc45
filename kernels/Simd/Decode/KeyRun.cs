namespace AttnKernels.Simd;

/// <summary>
/// Neighbouring rows of K or V in memory: up to <see cref="Most"/> keys, none of another page or past the last row of a ring.
/// </summary>
internal readonly unsafe struct KeyRun<EK>
    where EK : struct, IKeyElement
{
    private static int Most => DecodePlan.BlockKeys * sizeof(float) / EK.Size;

    /// <summary>The row of the first key.</summary>
    public readonly byte* First;

    public readonly int Count;

    /// <summary>Bytes from row to row.</summary>
    public readonly nint Step;

    private KeyRun(byte* first, int count, nint step)
    {
        First = first;
        Count = count;
        Step = step;
    }

    /// <summary>The run that starts at <paramref name="key"/> and ends at <paramref name="end"/> at the latest.</summary>
    public static KeyRun<EK> At(in AttentionArgs args, in HeadTensor tensor, int batch, int headKv, int key, int end)
    {
        int count = Math.Min(Most, end - key);
        int beforeWrap = args.Keys.RingRows - args.Keys.RingFirst - key;
        if (beforeWrap > 0) count = Math.Min(count, beforeWrap);
        if (args.Keys.BlockTable != null) count = Math.Min(count, (1 << args.Keys.BlockShift) - (key & ((1 << args.Keys.BlockShift) - 1)));
        return new KeyRun<EK>(Row(args.Keys, tensor, batch, headKv, key), count, (nint)tensor.RowStride * EK.Size);
    }

    public float Element(int row, int column) => EK.Load<Width1, float>(First + row * Step + column * EK.Size);

    /// <summary>Asks for as many rows as the run has, KeysAhead after it; <paramref name="key"/> is its first.</summary>
    public void PrefetchAhead<W, V>(in AttentionArgs args, in HeadTensor tensor, int batch, int headKv, int key, int columns)
        where W : struct, IWidth<V>
        where V : struct
    {
        int ahead = DecodePlan.KeysAhead * sizeof(float) / EK.Size;
        bool far = args.Keys.BlockTable != null || args.Keys.RingRows > 0;
        int rows = far ? Math.Min(Count, args.SeqKv - key - ahead) : Count;
        for (int j = 0; j < rows; j++)
        {
            byte* row = !far ? First + (ahead + j) * Step
                : Row(args.Keys, tensor, batch, headKv, key + ahead + j);
            Rows<W, V>.Prefetch(row, columns * EK.Size);
        }
    }

    private static byte* Row(in KeyArgs keys, in HeadTensor tensor, int batch, int headKv, int key) =>
        (byte*)tensor.Data + EK.Size * KeyRows<Width1, float>.Index(keys, tensor, batch, headKv, key);
}
