namespace AttnKernels.Simd;

/// <summary>Blocks of matrices of any type and strides as fp32 in the order that the micro-kernel reads.</summary>
internal static unsafe class Packing<W, V, E>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
{
    /// <summary>How many rows ahead the next ones are asked for: they are far apart, which hardware does not foresee.</summary>
    private const int RowsAhead = 8;

    /// <summary>
    /// Element (k, c) of panel p = matrix (k, p * width + c); panels follow each other, (depth, width) each. What follows the last column
    /// in its vector is anything.
    /// </summary>
    public static void Panels(byte* matrix, nint rowStride, nint columnStride, int depth, int columns, float* panels, int width)
    {
        if (columnStride == 1)
        {
            for (int k = 0; k < depth; k++)
            {
                byte* row = matrix + k * rowStride * E.Size;
                Rows<W, V>.Prefetch(row + RowsAhead * rowStride * E.Size, columns * E.Size);
                for (int p = 0; p < columns; p += width)
                {
                    Rows<W, V>.Widen<E>(row + p * E.Size, panels + (nint)p * depth + (nint)k * width, Math.Min(width, columns - p));
                }
            }

            return;
        }

        byte** lanes = stackalloc byte*[W.Count];
        for (int c = 0; c < columns; c += W.Count)
        {
            float* target = panels + (nint)(c / width * width) * depth + c % width;
            for (int r = 0; r < W.Count; r++) lanes[r] = matrix + Math.Min(c + r, columns - 1) * columnStride * E.Size;
            if (rowStride == 1)
            {
                Transposed<W, V>.Load<E>(lanes, 0, depth, target, width);
                continue;
            }

            for (int k = 0; k < depth; k++)
            {
                for (int r = 0; r < W.Count; r++) target[(nint)k * width + r] = E.Load<Width1, float>(lanes[r] + k * rowStride * E.Size);
            }
        }
    }

    /// <summary>target[r * step + c] = matrix (r, c).</summary>
    public static void Copy(byte* matrix, nint rowStride, nint columnStride, int rows, int columns, float* target, nint step)
    {
        for (int r = 0; r < rows; r++)
        {
            byte* row = matrix + r * rowStride * E.Size;
            if (columnStride == 1)
            {
                Rows<W, V>.Widen<E>(row, target + r * step, columns);
                continue;
            }

            for (int c = 0; c < columns; c++) target[r * step + c] = E.Load<Width1, float>(row + c * columnStride * E.Size);
        }
    }
}
