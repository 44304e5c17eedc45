namespace AttnKernels.Kernels;

/// <summary>
/// Compile-time sizes of FlashForward. A group is 16 columns of lanes; a lane owns <see cref="Rows"/> query rows, of them
/// <see cref="Keys"/> scores a row and 4 * <see cref="Columns"/> output elements a row, all in registers.
/// </summary>
public interface IFlashTile
{
    /// <summary>Lanes of a group; a multiple of 16.</summary>
    static abstract int GroupSize { get; }

    /// <summary>Query rows of a lane: 4 or 8.</summary>
    static abstract int Rows { get; }

    /// <summary>Scores a row of a lane: 1, 2 or 4.</summary>
    static abstract int Keys { get; }

    /// <summary>Groups of four output elements a row of a lane: 1, 2 or 4; the tile holds 64 * Columns elements of a row.</summary>
    static abstract int Columns { get; }

    /// <summary>
    /// Whether rows of any length pass through the tile, as many columns at a time as it holds. S = Q K^T is summed over all of them, and
    /// each group has O of its own columns of V. False: a tile holds whole rows.
    /// </summary>
    static abstract bool InChunks { get; }
}

/// <summary>Sizes derived from an <see cref="IFlashTile"/>; shared memory is counted in vectors of four floats.</summary>
public static class FlashTile<TTile>
    where TTile : struct, IFlashTile
{
    /// <summary>Lanes along the keys, and along the head dim.</summary>
    public const int LanesX = 16;

    /// <summary>Lanes along the query rows.</summary>
    public static int LanesY => TTile.GroupSize / LanesX;

    /// <summary>Query rows of a tile.</summary>
    public static int Br => TTile.Rows * LanesY;

    /// <summary>Key rows of a tile.</summary>
    public static int Bc => TTile.Keys * LanesX;

    /// <summary>The widest head of Q, K and V that fits, or columns of a chunk.</summary>
    public static int HeadDim => 4 * LanesX * TTile.Columns;

    /// <summary>
    /// Vectors of a row of sQ and sKV: one past a multiple of 8, so that 8 lanes reading 16 bytes of 8 rows hit all 32 banks once.
    /// </summary>
    public static int HeadStride => HeadDim / 4 + 1;

    /// <summary>
    /// Vectors of a row of sP: an odd multiple of 16 floats, so that the two rows that a warp writes lie in different halves of the banks.
    /// </summary>
    public static int ScoreStride => (Bc / LanesX | 1) * LanesX / 4;

    /// <summary>Vectors of a row of sRow, which has a float of each lane.</summary>
    public static int RowStride => LanesX / 4;

    public static int SharedBytes => ((Br + Bc) * HeadStride + Br * (ScoreStride + RowStride)) * 4 * sizeof(float);
}

/// <summary>Heads up to 64: 64 x 32, 42 KB.</summary>
public readonly struct FlashTile64 : IFlashTile
{
    public static int GroupSize => 128;

    public static int Rows => 8;

    public static int Keys => 2;

    public static int Columns => 1;

    public static bool InChunks => false;
}

/// <summary>Heads up to 128: 32 x 32, 42 KB. More rows would not fit into 48 KB beside K.</summary>
public readonly struct FlashTile128 : IFlashTile
{
    public static int GroupSize => 64;

    public static int Rows => 8;

    public static int Keys => 2;

    public static int Columns => 2;

    public static bool InChunks => false;
}

/// <summary>Heads up to 256: 16 x 16, 35 KB; 4 rows a lane, since 8 rows of 16 output elements would leave too few registers.</summary>
public readonly struct FlashTile256 : IFlashTile
{
    public static int GroupSize => 64;

    public static int Rows => 4;

    public static int Keys => 1;

    public static int Columns => 4;

    public static bool InChunks => false;
}

/// <summary>
/// Any heads, 256 columns at a time: 16 x 16, 35 KB. S is computed again for every 256 columns of V, since more of O would not fit into
/// registers: 1.5 times the multiplications for heads of 512.
/// </summary>
public readonly struct ChunkFlashTile : IFlashTile
{
    public static int GroupSize => 64;

    public static int Rows => 4;

    public static int Keys => 1;

    public static int Columns => 4;

    public static bool InChunks => true;
}

/// <summary>
/// Heads up to 64: 64 x 64, 58 KB. A load of 16 bytes from shared memory feeds 10.7 multiplications instead of 8, and a barrier twice as
/// many.
/// </summary>
public readonly struct WideFlashTile64 : IFlashTile
{
    public static int GroupSize => 128;

    public static int Rows => 8;

    public static int Keys => 4;

    public static int Columns => 1;

    public static bool InChunks => false;
}

/// <summary>
/// Heads up to 128: 64 x 64, 90 KB. A load feeds 12.8 multiplications instead of 9.1, and twice the rows halve what K and V cost.
/// </summary>
public readonly struct WideFlashTile128 : IFlashTile
{
    public static int GroupSize => 128;

    public static int Rows => 8;

    public static int Keys => 4;

    public static int Columns => 2;

    public static bool InChunks => false;
}

/// <summary>
/// Heads up to 256: 32 x 64, 110 KB. A load feeds 9.8 multiplications instead of 5.1, and twice the rows halve what K and V cost.
/// </summary>
public readonly struct WideFlashTile256 : IFlashTile
{
    public static int GroupSize => 128;

    public static int Rows => 4;

    public static int Keys => 4;

    public static int Columns => 4;

    public static bool InChunks => false;
}
