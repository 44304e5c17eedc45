namespace AttnKernels.Simd;

/// <summary>A row of elements E stored as another type.</summary>
internal static unsafe class CacheRow<E>
    where E : struct, IElement
{
    /// <summary>target[d] = source[d], rounded to T.</summary>
    public static void Convert<T>(byte* source, byte* target, int dim)
        where T : struct, IElement
    {
        for (int d = 0; d < dim; d++) T.Store<Width1, float>(target + d * T.Size, E.Load<Width1, float>(source + d * E.Size));
    }

    /// <summary>
    /// target[d] = source[d] / scale, rounded to nearest even; returns the scale, max |x| / 127: 0 for a row of zeros, NaN for one that
    /// holds an infinity or a NaN.
    /// </summary>
    public static float Quantise(byte* source, sbyte* target, int dim)
    {
        uint max = 0;
        for (int d = 0; d < dim; d++)
            max = Math.Max(max, BitConverter.SingleToUInt32Bits(E.Load<Width1, float>(source + d * E.Size)) & 0x7FFFFFFF);
        float scale = max < 0x7F800000 ? BitConverter.UInt32BitsToSingle(max) / 127 : float.NaN;
        for (int d = 0; d < dim; d++)
        {
            float code = scale > 0 ? Math.Clamp(E.Load<Width1, float>(source + d * E.Size) / scale, -127, 127) : 0;
            target[d] = (sbyte)MathF.Round(code);
        }

        return scale;
    }
}
