namespace AttnKernels.Kernels;

/// <summary>The part of C that a group of TensorMatmul computes. How large a warp's part of it is, its accumulators say.</summary>
public interface ITensorMatmulTile
{
    /// <summary>Rows of A.</summary>
    static abstract int BM { get; }

    /// <summary>Columns of B.</summary>
    static abstract int BN { get; }

    /// <summary>Steps of K in shared memory: one is multiplied, the others are under way. 2 or 3.</summary>
    static abstract int Stages { get; }
}

/// <summary>Eight warps of 64 x 64: the most multiplications for a byte of global memory that a group's registers have room for.</summary>
public readonly struct TensorTile128x256 : ITensorMatmulTile
{
    public static int BM => 128;

    public static int BN => 256;

    /// <summary>144 KB; a multiprocessor holds one group, so that nobody else fills a wait for memory.</summary>
    public static int Stages => 3;
}

/// <summary>Four warps of 64 x 64: twice as many tiles, for products that have few of the larger ones.</summary>
public readonly struct TensorTile128x128 : ITensorMatmulTile
{
    public static int BM => 128;

    public static int BN => 128;

    /// <summary>
    /// 96 KB: a multiprocessor of compute capability 9.0 holds two groups, one of 8.x holds one, whose copies are two steps ahead.
    /// </summary>
    public static int Stages => 3;
}

/// <summary>Four warps of 64 x 32, for products in parts, which take twice the registers of plain ones for their operands.</summary>
public readonly struct TensorTile128x64 : ITensorMatmulTile
{
    public static int BM => 128;

    public static int BN => 64;

    /// <summary>The 48 KB that every device has.</summary>
    public static int Stages => 2;
}

/// <summary>Four warps of 32 x 32, for products that have few larger tiles. The 48 KB that every device has.</summary>
public readonly struct TensorTile64x64 : ITensorMatmulTile
{
    public static int BM => 64;

    public static int BN => 64;

    public static int Stages => 3;
}

/// <summary>Sizes that all tiles of TensorMatmul have in common.</summary>
public static class TensorMatmulSteps
{
    /// <summary>
    /// Chunks of K a step, four products deep: 64 elements of 16 bits, 32 of 32. 128 bytes of a row of K fill the banks once, and whole
    /// lines of memory are read.
    /// </summary>
    public const int Chunks = 8;

    /// <summary>Parts of K start at multiples of this, which are whole steps of every type.</summary>
    public const int Longest = 8 * Chunks;

    /// <summary>
    /// Rows of a fragment of A, columns of a pair of fragments of B, and how deep both are of 16 bits: below that most of a product is
    /// padding.
    /// </summary>
    public const int Fragment = 16;
}

/// <summary>Sizes of <see cref="TensorMatmul{T, TFormat, TC, TElementC, TTile, TBlock, TA, TB}"/>.</summary>
public static class TensorMatmulTile<TFormat, TTile, TBlock>
    where TFormat : struct, IProductFormat
    where TTile : struct, ITensorMatmulTile
    where TBlock : struct, ITensorBlock<TFormat>
{
    /// <summary>Warps side by side.</summary>
    public static int WarpsN => TTile.BN / TBlock.Columns;

    public static int GroupSize => 32 * (TTile.BM / TBlock.Rows) * WarpsN;

    /// <summary>Elements of K a step.</summary>
    public static int BK => TensorMatmulSteps.Chunks * TFormat.PerChunk;

    /// <summary>Where B lies in a stage, behind A; in chunks of 16 bytes.</summary>
    public static int StageB => TTile.BM * TensorMatmulSteps.Chunks;

    /// <summary>Chunks of 16 bytes of a stage.</summary>
    public static int Stage => (TTile.BM + TTile.BN) * TensorMatmulSteps.Chunks;

    public static int SharedBytes => 16 * TTile.Stages * Stage;
}
