namespace AttnKernels.Kernels;

/// <summary>Compile-time sizes of TiledMatmul: a group computes BM x BN elements of C, BK of K at a time; a lane 8 x 8 of them.</summary>
public interface IMatmulTile
{
    /// <summary>Rows of C a group; a multiple of 32 (4 lanes of 8 rows in a warp).</summary>
    static abstract int BM { get; }

    /// <summary>Columns of C a group; a multiple of 64 (8 lanes of 8 columns in a warp).</summary>
    static abstract int BN { get; }

    /// <summary>Step along K. BM * BK = BN * BK = 8 * group size, since a lane prefetches two vectors of each operand.</summary>
    static abstract int BK { get; }
}

/// <summary>Sizes derived from an <see cref="IMatmulTile"/>.</summary>
public static class MatmulTile<TTile>
    where TTile : struct, IMatmulTile
{
    public static int GroupSize => TTile.BM * TTile.BN / 64;

    /// <summary>
    /// Vectors of a row of sA [2][BK]; one more than the tile has, since 4 floats past a multiple of 32 spread the transposing stores over
    /// the banks.
    /// </summary>
    public static int StrideA => TTile.BM / 4 + 1;

    public static int StrideB => TTile.BN / 4 + 1;

    public static int SharedBytes => 2 * TTile.BK * (StrideA + StrideB) * 4 * sizeof(float);
}

/// <summary>
/// 128 x 128 x 16, 256 lanes, 34 KB: 32 multiplications per element loaded; for matrices that fill the device with such tiles.
/// </summary>
public readonly struct MatmulTile128 : IMatmulTile
{
    public static int BM => 128;

    public static int BN => 128;

    public static int BK => 16;
}

/// <summary>64 x 64 x 8, 64 lanes, 9 KB: for small matrices, where 128 x 128 tiles would leave most of the device idle.</summary>
public readonly struct MatmulTile64 : IMatmulTile
{
    public static int BM => 64;

    public static int BN => 64;

    public static int BK => 8;
}
