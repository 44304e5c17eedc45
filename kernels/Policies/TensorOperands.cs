using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Which axis of a matmul's operand a tile in shared memory runs along: the one that is contiguous in memory is copied whole and fast, any
/// other is gathered. An operand is (outer, k); outer is M for A and N for B.
/// </summary>
public interface ITensorOperand
{
    /// <summary>Whether rows run along k.</summary>
    static abstract bool IsAlongK { get; }

    /// <summary>Chunks of 16 bytes in a row of a tile of <paramref name="outers"/> x BK.</summary>
    static abstract int Chunks(int outers);

    /// <summary>The tile as a warp sees it that reads A from <paramref name="outer"/> on.</summary>
    static abstract LaneTile Rows(ArrayView<U4> sTile, int outers, int outer);

    /// <summary>The tile as a warp sees it that reads B from <paramref name="outer"/> on.</summary>
    static abstract LaneTile Columns(ArrayView<U4> sTile, int outers, int outer);

    /// <summary>The fragment of A, or the two of B, from outer and k on, multiples of 16.</summary>
    static abstract U4 Fragment(in LaneTile tile, int outer, int k);
}

/// <summary>Rows along k: [outer][BK], as a row-major A lies.</summary>
public readonly struct AlongK : ITensorOperand
{
    public static bool IsAlongK => true;

    public static int Chunks(int outers) => TensorMatmulSteps.BK / 8;

    public static LaneTile Rows(ArrayView<U4> sTile, int outers, int outer) => LaneTile.ByRows(sTile, Chunks(outers)).From(outer);

    public static LaneTile Columns(ArrayView<U4> sTile, int outers, int outer) => LaneTile.ByColumns(sTile, Chunks(outers)).From(outer);

    public static U4 Fragment(in LaneTile tile, int outer, int k) => tile.Load(outer, k / 8);
}

/// <summary>Rows along the outer axis: [BK][outer], as a row-major B lies; fragments are transposed while they are loaded.</summary>
public readonly struct AlongOuter : ITensorOperand
{
    public static bool IsAlongK => false;

    public static int Chunks(int outers) => outers / 8;

    public static LaneTile Rows(ArrayView<U4> sTile, int outers, int outer) =>
        LaneTile.ByColumns(sTile, Chunks(outers)).FromChunk(outer / 8);

    public static LaneTile Columns(ArrayView<U4> sTile, int outers, int outer) =>
        LaneTile.ByRows(sTile, Chunks(outers)).FromChunk(outer / 8);

    public static U4 Fragment(in LaneTile tile, int outer, int k) => tile.LoadTransposed(k, outer / 8);
}
