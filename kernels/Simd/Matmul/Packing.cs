namespace AttnKernels.Simd;

/// <summary>Blocks of matrices of any type and strides as fp32 in the order that the micro-kernel reads.</summary>
internal static unsafe class Packing<W, V, E>
    where W : struct, IWidth<V>
    where V : struct
    where E : struct, IElement
{
    /// <summary>
    /// panel[k * width + c] = matrix (k, c) for k below depth and c below columns; further columns of the last vector are filled with anything.
    /// </summary>
    public static void Panel(byte* matrix, nint rowStride, nint columnStride, int depth, int columns, float* panel, int width)
    {
        if (columnStride == 1)
        {
            for (int k = 0; k < depth; k++) Rows<W, V>.Widen<E>(matrix + k * rowStride * E.Size, panel + (nint)k * width, columns);
            return;
        }

        byte** lanes = stackalloc byte*[W.Count];
        for (int c = 0; c < columns; c += W.Count)
        {
            for (int r = 0; r < W.Count; r++) lanes[r] = matrix + Math.Min(c + r, columns - 1) * columnStride * E.Size;
            if (rowStride == 1)
            {
                Transposed<W, V>.Load<E>(lanes, 0, depth, panel + c, width);
                continue;
            }

            for (int k = 0; k < depth; k++)
            {
                for (int r = 0; r < W.Count; r++) panel[(nint)k * width + c + r] = E.Load<Width1, float>(lanes[r] + k * rowStride * E.Size);
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
