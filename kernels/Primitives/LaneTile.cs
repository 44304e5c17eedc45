using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// A swizzled tile as one lane's loads of matrices see it. The lane's place within 16 x 16 elements is computed once; other chunks are an
/// exclusive or with a constant away, other rows a constant offset.
/// </summary>
public struct LaneTile
{
    private ArrayView<U4> sTile;
    private int lane, chunks;

    /// <summary>Matrices: rows 0-7 and 8-15 of columns 0-7, then of columns 8-15. An A operand; transposed, two B operands.</summary>
    public static LaneTile ByRows(ArrayView<U4> sTile, int chunks) => Of(sTile, Group.IdxX & 15, (Group.IdxX >> 4) & 1, chunks);

    /// <summary>Matrices: rows 0-7 of columns 0-7 and 8-15, then rows 8-15. Two B operands whose columns are the tile's rows.</summary>
    public static LaneTile ByColumns(ArrayView<U4> sTile, int chunks) =>
        Of(sTile, (Group.IdxX & 7) + ((Group.IdxX >> 1) & 8), (Group.IdxX >> 3) & 1, chunks);

    /// <summary>
    /// Pairs of 32-bit elements, lane 4 r + t: rows 2t and 2t + 1, columns 2r and 2r + 1, so that the lanes of half a warp meet no bank
    /// twice. Two B operands: the one of the pairs' first elements, and the one of their second.
    /// </summary>
    public static LaneTile ByPairs(ArrayView<U4> sTile, int chunks) =>
        Of(sTile, 2 * (Group.IdxX & 3), (Group.IdxX >> 3) & 3, chunks);

    /// <summary>
    /// 32-bit elements of a tile in <see cref="WordOrder"/>, lane 4 r + t: row t, column r. A warp's lanes meet no bank twice.
    /// </summary>
    public static LaneTile ByWords(ArrayView<U4> sTile, int chunks) =>
        new() { sTile = sTile, lane = WordOrder.Index(Group.IdxX & 3, (Group.IdxX >> 4) & 1, chunks), chunks = chunks };

    /// <summary>
    /// The 16 x 16 elements from row <paramref name="row"/>, a multiple of 16, and the even chunk <paramref name="chunk"/> on.
    /// </summary>
    public readonly U4 Load(int row, int chunk) => TensorCore.LoadMatrices(Chunk(chunk), Offset(row, chunk));

    /// <summary>As <see cref="Load"/>, every matrix transposed.</summary>
    public readonly U4 LoadTransposed(int row, int chunk) => TensorCore.LoadTransposed(Chunk(chunk), Offset(row, chunk));

    /// <summary>
    /// Of a tile by pairs, 8 rows from <paramref name="row"/> on, a multiple of 8, and four chunks from <paramref name="chunk"/> on.
    /// </summary>
    public readonly U4 LoadPairs(int row, int chunk)
    {
        int half = (Group.IdxX >> 2) & 1;
        int even = lane ^ (chunk & 7);
        int odd = (even ^ 1) + chunks; // the next row, which is swizzled by one more
        ArrayView<U32x2> sPairs = sTile.Cast<U32x2>();
        U32x2 first = sPairs.From(2 * even + half)[2 * Offset(row, chunk)];
        U32x2 second = sPairs.From(2 * odd + half)[2 * Offset(row, chunk)];
        return new U4(first.X, second.X, first.Y, second.Y);
    }

    /// <summary>
    /// Of a tile by words, the lane's element of the 8 rows from <paramref name="row"/> on and the 8 columns from chunk
    /// <paramref name="chunk"/>, a multiple of 4, on; then those 4 rows further down, 8 columns further right, and both.
    /// </summary>
    public readonly U4 LoadWords(int row, int chunk)
    {
        int near = 4 * (lane ^ (chunk & 7)) + ((Group.IdxX >> 2) & 3);
        ArrayView<uint> sLeft = sTile.Cast<uint>().From(near);
        ArrayView<uint> sRight = sTile.Cast<uint>().From(near ^ 8);
        int upper = 4 * Offset(row, chunk);
        int lower = upper + 16 * chunks;
        return new U4(sLeft[upper], sLeft[lower], sRight[upper], sRight[lower]);
    }

    /// <summary>The tile's rows from <paramref name="row"/> on, a multiple of 8.</summary>
    public readonly LaneTile From(int row) => new() { sTile = sTile.From(row * chunks), lane = lane, chunks = chunks };

    /// <summary>The tile's chunks from <paramref name="chunk"/> on, an even one: one of its eight lies within the same eight.</summary>
    public readonly LaneTile FromChunk(int chunk) =>
        new() { sTile = sTile.From(chunk & ~7), lane = lane ^ (chunk & 7), chunks = chunks };

    /// <summary>The same place of a tile that lies <paramref name="offset"/> chunks behind.</summary>
    public readonly LaneTile Behind(int offset) => new() { sTile = sTile.From(offset), lane = lane, chunks = chunks };

    private static LaneTile Of(ArrayView<U4> sTile, int row, int chunk, int chunks) =>
        new() { sTile = sTile, lane = SwizzledTile.Index(row, chunk, chunks), chunks = chunks };

    // (chunk + 0 or 1) ^ (row & 7): chunk is even, so its low bits can be joined to the lane's by an exclusive or of their own.
    private readonly ArrayView<U4> Chunk(int chunk) => sTile.From(lane ^ (chunk & 7));

    private readonly int Offset(int row, int chunk) => row * chunks + (chunk & ~7);
}
