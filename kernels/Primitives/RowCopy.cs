using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Moves rows of a <see cref="HeadView{T}"/> between global memory and fp32 tiles, four elements at a time where the rows allow it.
/// </summary>
public static class RowCopy
{
    /// <summary>
    /// Loads rows row0 .. row0+rows-1 of one head into <paramref name="sTile"/> [rows][stride], all lanes of the group together. Elements
    /// at or past column <paramref name="columns"/>, up to <paramref name="paddedColumns"/>, and rows outside [firstRow, endRow) become 0
    /// and are not read. <paramref name="rows"/> is a multiple of four times the rows that the group covers at once.
    /// </summary>
    public static void LoadTile<T, TElement>(
        in HeadView<T> source, long head, int row0, int rows, int firstRow, int endRow, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        if (source.IsVector != 0 && (columns & 3) == 0 && row0 >= firstRow && row0 + rows <= endRow)
        {
            LoadWholeTile<T, TElement>(source, head + row0 * source.RowStride, rows, columns, paddedColumns, sTile, stride);
            return;
        }
        int vectors = paddedColumns / 4;
        for (int index = Group.IdxX; index < rows * vectors; index += Group.DimX)
        {
            int r = index / vectors;
            int column = 4 * (index - r * vectors);
            int row = row0 + r;
            F4 value = default;
            if (row >= firstRow && row < endRow && column < columns)
                value = Load4<T, TElement>(source, head + row * source.RowStride, column, columns);
            sTile[r * stride + column / 4] = value;
        }
    }

    /// <summary>
    /// A lane keeps its columns and goes down the rows, a step of the whole group at a time; four loads are on their way before the first
    /// store waits for one.
    /// </summary>
    private static void LoadWholeTile<T, TElement>(
        in HeadView<T> source, long tile, int rows, int columns, int paddedColumns, ArrayView<F4> sTile, int stride)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        int vectors = paddedColumns / 4;
        int row = Group.IdxX / vectors;
        int column = 4 * (Group.IdxX & (vectors - 1));
        int step = Group.DimX / vectors;
        long next = step * source.RowStride;
        long at = tile + row * source.RowStride + column;
        for (int r = row; r < rows; r += 4 * step)
        {
            F4 v0 = default, v1 = default, v2 = default, v3 = default;
            if (column < columns)
            {
                v0 = TElement.Load4(source.Data, at);
                v1 = TElement.Load4(source.Data, at + next);
                v2 = TElement.Load4(source.Data, at + 2 * next);
                v3 = TElement.Load4(source.Data, at + 3 * next);
            }
            ArrayView<F4> sRows = sTile.From(r * stride + column / 4);
            sRows[0] = v0;
            sRows[step * stride] = v1;
            sRows[2 * step * stride] = v2;
            sRows[3 * step * stride] = v3;
            at += 4 * next;
        }
    }

    /// <summary>
    /// Elements column .. column+3 of the row that starts at element <paramref name="row"/>; 0 at and past <paramref name="columns"/>.
    /// </summary>
    public static F4 Load4<T, TElement>(in HeadView<T> source, long row, int column, int columns)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        long at = row + column;
        if (source.IsVector != 0 && column + 4 <= columns) return TElement.Load4(source.Data, at);
        F4 value = default;
        value.X = TElement.Load(source.Data[at]);
        if (column + 1 < columns) value.Y = TElement.Load(source.Data[at + 1]);
        if (column + 2 < columns) value.Z = TElement.Load(source.Data[at + 2]);
        if (column + 3 < columns) value.W = TElement.Load(source.Data[at + 3]);
        return value;
    }

    /// <summary>Elements column .. column+7, as <see cref="Load4"/> reads them.</summary>
    public static F8 Load8<T, TElement>(in HeadView<T> source, long row, int column, int columns)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        F8 value = default;
        value.Low = Load4<T, TElement>(source, row, column, columns);
        if (column + 4 < columns) value.High = Load4<T, TElement>(source, row, column + 4, columns);
        return value;
    }

    /// <summary>Stores elements column .. column+3, those before <paramref name="columns"/>.</summary>
    public static void Store4<T, TElement>(in HeadView<T> target, long row, int column, int columns, F4 value)
        where T : unmanaged
        where TElement : struct, IElement<T>
    {
        long at = row + column;
        if (target.IsVector != 0 && column + 4 <= columns)
        {
            TElement.Store4(target.Data, at, value);
            return;
        }
        target.Data[at] = TElement.Store(value.X);
        if (column + 1 < columns) target.Data[at + 1] = TElement.Store(value.Y);
        if (column + 2 < columns) target.Data[at + 2] = TElement.Store(value.Z);
        if (column + 3 < columns) target.Data[at + 3] = TElement.Store(value.W);
    }
}
