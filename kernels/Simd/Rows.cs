namespace AttnKernels.Simd;

/// <summary>Contiguous rows of elements.</summary>
internal static unsafe class Rows<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>target[c] = row[c] as fp32.</summary>
    public static void Widen<E>(byte* row, float* target, int columns)
        where E : struct, IElement
    {
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) W.Store(target + c, E.Load<W, V>(row + (nint)c * E.Size));
        for (; c < columns; c++) target[c] = E.Load<Width1, float>(row + (nint)c * E.Size);
    }

    /// <summary>Whether any of the elements is infinite or NaN.</summary>
    public static bool HasNonFinite(float* row, int columns)
    {
        V exponent = W.SetBits(0x7F800000);
        V found = W.Zero;
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) found = W.Or(found, W.Equal(W.And(W.Load(row + c), exponent), exponent));
        bool any = W.AnyTrue(found);
        for (; c < columns; c++) any |= !float.IsFinite(row[c]);
        return any;
    }
}
