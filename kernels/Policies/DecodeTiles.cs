namespace AttnKernels.Kernels;

/// <summary>Compile-time sizes of FlashDecode.</summary>
public interface IDecodeTile
{
    /// <summary>The widest head of Q, K and V that fits: 8 elements times a power of two.</summary>
    static abstract int HeadDim { get; }
}

/// <summary>Sizes derived from an <see cref="IDecodeTile"/> and the number of rows; shared memory is counted in floats.</summary>
public static class DecodeTile<TTile, TRows>
    where TTile : struct, IDecodeTile
    where TRows : struct, IDecodeRows
{
    /// <summary>Lanes of a group: small, so that several groups on a multiprocessor fill the gaps between one another's phases.</summary>
    public const int GroupSize = 128;

    /// <summary>
    /// Keys of a split, whatever the problem: a row's bits depend on its keys alone. By registers 3 (8 rows) to 7 groups (1 row) fit on a
    /// multiprocessor, so an H100's 132 are filled from 400 to 920 groups on: with one sequence and 8 key heads from 13,000 to 30,000 keys.
    /// 4,096 keys there are 128 groups, one a multiprocessor, a third of that or less. Half the keys would fill it sooner and double what
    /// the splits write and MergeParts reads: for 8 rows of 128 fp16 elements 4 KB of partial results a split beside 128 KB of K and V.
    /// </summary>
    public const int SplitKeys = 256;

    /// <summary>Lanes that share a key in Q K^T: 4 times 16 bytes are two whole sectors of 16-bit elements.</summary>
    public const int LanesPerKey = 4;

    /// <summary>Lanes of a row that share its maximum and its sum.</summary>
    public const int LanesPerRow = 16;

    /// <summary>Row stride of sS: 16 past a multiple of 32, so that the two rows of a warp lie in different halves of the banks.</summary>
    public const int ScoreStride = SplitKeys + 16;

    /// <summary>Lanes across a row of V.</summary>
    public static int LanesD => TTile.HeadDim / 8;

    /// <summary>Rows of V that the group reads at a time; each of them sums O over keys of its own.</summary>
    public static int Slots => GroupSize / LanesD;

    /// <summary>
    /// Distance of the partial dot products of a lane: 8 past a multiple of 32, so that 4 lanes of 8 keys meet no bank twice.
    /// </summary>
    public static int PartStride => TRows.Count * SplitKeys + 8;

    /// <summary>
    /// Partial dot products (LanesPerKey, rows, keys), and later partial O (slots, rows, HeadDim), which has 1024 floats a row, too.
    /// </summary>
    public static int PartFloats => LanesPerKey * PartStride;

    public static int SharedBytes =>
        sizeof(float) * (TRows.Count * (TTile.HeadDim + ScoreStride + 2 * LanesPerRow) + PartFloats);
}

/// <summary>Heads up to 64.</summary>
public readonly struct DecodeTile64 : IDecodeTile
{
    public static int HeadDim => 64;
}

/// <summary>Heads up to 128: with 8 rows 46 KB, of the 48 that every device has.</summary>
public readonly struct DecodeTile128 : IDecodeTile
{
    public static int HeadDim => 128;
}

/// <summary>Heads up to 256: 4 rows at most, 8 would take 50 KB.</summary>
public readonly struct DecodeTile256 : IDecodeTile
{
    public static int HeadDim => 256;
}

/// <summary>
/// Heads up to 1024, as latent keys of 576 and values of 512 elements: 38 KB with 4 rows. A group reads one row of V at a time, with a lane
/// for 8 elements.
/// </summary>
public readonly struct DecodeTile1024 : IDecodeTile
{
    public static int HeadDim => 1024;
}
