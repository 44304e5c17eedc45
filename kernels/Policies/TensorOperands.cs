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

    /// <summary>Starts loading the tile at (outer0, k0), 128 x 32; zeros past the sizes.</summary>
    static abstract void Load(
        in OperandView<ushort> source, long batch, int outer0, int k0, int outers, int ks, ArrayView<U4> sTiles, int offset);

    /// <summary>The A fragment of rows outer .. outer+15 and k .. k+15.</summary>
    static abstract U4 Rows(ArrayView<U4> sTiles, int offset, int outer, int k);

    /// <summary>The two B fragments of columns outer .. outer+15 and k .. k+15.</summary>
    static abstract U4 Columns(ArrayView<U4> sTiles, int offset, int outer, int k);
}

/// <summary>Rows along k: [outer][BK], as a row-major A lies.</summary>
public readonly struct AlongK : ITensorOperand
{
    private const int Chunks = TensorMatmulTile.BK / 8;

    public static bool IsAlongK => true;

    public static void Load(
        in OperandView<ushort> source, long batch, int outer0, int k0, int outers, int ks, ArrayView<U4> sTiles, int offset)
    {
        bool isWide = source.KStride == 1
            && ((source.Offset | source.Batch0Stride | source.Batch1Stride | source.OuterStride | (long)ks) & 7) == 0;
        SwizzledTile.Load(
            source.Data, batch, source.OuterStride, source.KStride, isWide, outer0, TensorMatmulTile.Outer, 0, outers, k0, ks, sTiles,
            offset, Chunks);
    }

    public static U4 Rows(ArrayView<U4> sTiles, int offset, int outer, int k)
    {
        // Matrices: rows 0-7 and 8-15 of k 0-7, then of k 8-15.
        int lane = Group.IdxX & 31;
        return TensorCore.LoadMatrices(sTiles, offset + SwizzledTile.Index(outer + (lane & 15), k / 8 + (lane >> 4), Chunks));
    }

    public static U4 Columns(ArrayView<U4> sTiles, int offset, int outer, int k)
    {
        // Matrices: columns 0-7 of k 0-7 and 8-15, then columns 8-15.
        int lane = Group.IdxX & 31;
        int column = outer + (lane & 7) + 8 * (lane >> 4);
        return TensorCore.LoadMatrices(sTiles, offset + SwizzledTile.Index(column, k / 8 + ((lane >> 3) & 1), Chunks));
    }
}

/// <summary>Rows along the outer axis: [BK][outer], as a row-major B lies; fragments are transposed while they are loaded.</summary>
public readonly struct AlongOuter : ITensorOperand
{
    private const int Chunks = TensorMatmulTile.Outer / 8;

    public static bool IsAlongK => false;

    public static void Load(
        in OperandView<ushort> source, long batch, int outer0, int k0, int outers, int ks, ArrayView<U4> sTiles, int offset)
    {
        bool isWide = source.OuterStride == 1
            && ((source.Offset | source.Batch0Stride | source.Batch1Stride | source.KStride | (long)outers) & 7) == 0;
        SwizzledTile.Load(
            source.Data, batch, source.KStride, source.OuterStride, isWide, k0, TensorMatmulTile.BK, 0, ks, outer0, outers, sTiles, offset,
            Chunks);
    }

    public static U4 Rows(ArrayView<U4> sTiles, int offset, int outer, int k)
    {
        // Matrices: k 0-7 of rows 0-7 and 8-15, then k 8-15.
        int lane = Group.IdxX & 31;
        int row = k + (lane & 7) + 8 * (lane >> 4);
        return TensorCore.LoadTransposed(sTiles, offset + SwizzledTile.Index(row, outer / 8 + ((lane >> 3) & 1), Chunks));
    }

    public static U4 Columns(ArrayView<U4> sTiles, int offset, int outer, int k)
    {
        // Matrices: k 0-7 and 8-15 of columns 0-7, then of columns 8-15.
        int lane = Group.IdxX & 31;
        return TensorCore.LoadTransposed(sTiles, offset + SwizzledTile.Index(k + (lane & 15), outer / 8 + (lane >> 4), Chunks));
    }
}
