namespace AttnKernels.Simd;

/// <summary>Rows in memory to lanes of vectors and back.</summary>
internal static unsafe class Transposed<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <summary>
    /// target[c * step + r] = element (r, first + c) for r below the width and c below <paramref name="columns"/>, widened.
    /// </summary>
    public static void Load<E>(byte** rows, nint first, int columns, float* target, nint step)
        where E : struct, IElement
    {
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count) W.Transpose<E>(rows, first + c, target + c * step, step);
        for (; c < columns; c++)
        {
            for (int r = 0; r < W.Count; r++) target[c * step + r] = E.Load<Width1, float>(rows[r] + (first + c) * E.Size);
        }
    }

    /// <summary>Element (r, c) of the rows = source[c * step + r] for r below <paramref name="valid"/>, rounded to E.</summary>
    public static void Store<E>(float* source, nint step, int columns, byte** rows, int valid)
        where E : struct, IElement
    {
        nint distance = valid > 1 ? (nint)(rows[1] - rows[0]) : 0;
        bool direct = E.Size == sizeof(float) && valid == W.Count && valid > 1;
        for (int r = 1; r < valid; r++) direct &= rows[r] - rows[r - 1] == distance;

        byte** lanes = stackalloc byte*[W.Count];
        float* square = stackalloc float[W.Count * W.Count];
        int c = 0;
        for (; c <= columns - W.Count; c += W.Count)
        {
            for (int r = 0; r < W.Count; r++) lanes[r] = (byte*)(source + (c + r) * step);
            if (direct)
            {
                W.Transpose<Float32Element>(lanes, 0, (float*)rows[0] + c, distance / sizeof(float));
                continue;
            }

            W.Transpose<Float32Element>(lanes, 0, square, W.Count);
            for (int r = 0; r < valid; r++) E.Store<W, V>(rows[r] + c * E.Size, W.Load(square + r * W.Count));
        }

        for (; c < columns; c++)
        {
            for (int r = 0; r < valid; r++) E.Store<Width1, float>(rows[r] + c * E.Size, source[c * step + r]);
        }
    }
}
