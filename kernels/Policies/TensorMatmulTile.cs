namespace AttnKernels.Kernels;

/// <summary>Sizes of <see cref="TensorMatmul{TElement, TC, TElementC, TA, TB, TActivation}"/>.</summary>
public static class TensorMatmulTile
{
    /// <summary>Rows of A and columns of B of a group.</summary>
    public const int Outer = 128;

    /// <summary>
    /// Rows of a fragment of A, columns of a pair of fragments of B, and how deep both are: below that most of a product is padding.
    /// </summary>
    public const int Fragment = 16;

    /// <summary>Elements of K a step: two products deep, 64 bytes of a row.</summary>
    public const int BK = 32;

    /// <summary>Two steps travel while one is multiplied; a fourth would pass the 48 KB that every device has.</summary>
    public const int Stages = 3;

    /// <summary>Eight warps: two below each other, four side by side.</summary>
    public const int GroupSize = 256;

    public const int WarpsN = 4;

    /// <summary>Chunks of 16 bytes of A or B in a stage.</summary>
    public const int OperandChunks = Outer * BK / 8;

    public const int SharedBytes = 16 * Stages * 2 * OperandChunks;
}
