namespace AttnKernels.Kernels;

/// <summary>How the query rows of a tensor-core tile are dealt to warps. Its other sizes are those of S and O.</summary>
public interface ITensorTile
{
    static abstract int Warps { get; }

    /// <summary>Blocks of 16 rows a warp: two share every load of K and V from shared memory, but O takes twice the registers.</summary>
    static abstract int RowBlocks { get; }
}

/// <summary>64 query rows: O of 256 columns fits into registers, and few queries leave no warp idle.</summary>
public readonly struct TensorTile64 : ITensorTile
{
    public static int Warps => 4;

    public static int RowBlocks => 1;
}

/// <summary>
/// 128 query rows. A load of 16 x 16 elements of K or V feeds four products: at two, shared memory would give out its 128 bytes a cycle at
/// the pace of the tensor cores (A100) or slower (H100).
/// </summary>
public readonly struct TensorTile128 : ITensorTile
{
    public static int Warps => 4;

    public static int RowBlocks => 2;
}

/// <summary>Sizes of <see cref="TensorFlashForward{T, TFormat, TTile, TScores, TOutput, TScore, TKeys}"/>.</summary>
public static class TensorFlashTile<TFormat, TTile, TScores, TOutput>
    where TFormat : struct, ITensorFormat
    where TTile : struct, ITensorTile
    where TScores : struct, ITensorColumns<TFormat>
    where TOutput : struct, ITensorColumns<TFormat>
{
    public static int GroupSize => 32 * TTile.Warps;

    /// <summary>Query rows of a tile.</summary>
    public static int Br => TTile.Warps * WarpRows;

    /// <summary>Query rows of a warp.</summary>
    public static int WarpRows => 16 * TTile.RowBlocks;

    /// <summary>Keys of a tile.</summary>
    public static int Bc => TScores.Columns;

    /// <summary>
    /// Chunks of 16 bytes in a row of Q, K, V and O: a power of two, as lanes are dealt to them and as they are swizzled. A row of 96
    /// columns lies where one of 128 would, and its last quarter is neither copied nor multiplied.
    /// </summary>
    public static int Chunks =>
        ((TOutput.Columns & (TOutput.Columns - 1)) == 0 ? TOutput.Columns : TOutput.Columns / 3 * 4) / TFormat.PerChunk;

    public static int SharedBytes => 16 * (Br + 2 * Bc) * Chunks;
}
