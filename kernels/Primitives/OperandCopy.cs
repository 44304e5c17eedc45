using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Copies one operand of a tensor-core matmul to shared memory, a step of K after the other, all lanes of a group together. A lane keeps
/// its chunk of a row and a running address; the rows that it copies are a constant number of rows apart.
/// </summary>
public struct OperandCopy<T, TOperand>
    where T : unmanaged
    where TOperand : struct, ITensorOperand
{
    private static int BK => TensorMatmulSteps.Chunks * Chunk<T>.Elements;

    /// <summary>The lane's first chunk of the step that comes next, without its row where rows run along the outer axis.</summary>
    private long at;

    /// <summary>Chunks from row to row.</summary>
    private int stride;

    /// <summary>The lane's first row in the tile, the tile's last row that is there, and where its first chunk goes.</summary>
    private int row, last, target;

    /// <summary>Outer rows outer0 .. of the operand, from <paramref name="k0"/> on.</summary>
    public static OperandCopy<T, TOperand> Of(in OperandView<T> source, long batch, int size, int outer0, int outers, int k0)
    {
        int chunks = TOperand.Chunks(size);
        int row = Group.IdxX / chunks;
        int chunk = Group.IdxX & (chunks - 1);
        long rowStride = RowStride(source);

        // What lies past the last outer row only reaches parts of C that do not exist: the last one is copied again.
        long start = TOperand.IsAlongK
            ? outer0 * rowStride + k0 + Chunk<T>.Elements * chunk
            : (k0 + row) * rowStride + Math.Min(outer0 + Chunk<T>.Elements * chunk, outers - Chunk<T>.Elements);
        return new OperandCopy<T, TOperand>
        {
            at = batch + start >> Chunk<T>.Shift,
            stride = (int)(rowStride >> Chunk<T>.Shift),
            row = row,
            last = outers - 1 - outer0,
            target = TOperand.Index(row, chunk, chunks),
        };
    }

    /// <summary>Whether rows start at multiples of 16 bytes, so that whole steps can be copied in chunks.</summary>
    public static bool IsWide(in OperandView<T> source, int outers) => TOperand.IsAlongK
        ? source.KStride == 1 && IsWide(source, source.OuterStride)
        : source.OuterStride == 1 && (outers & (Chunk<T>.Elements - 1)) == 0 && IsWide(source, source.KStride);

    private static bool IsWide(in OperandView<T> source, long rowStride) =>
        ((source.Offset | source.Batch0Stride | source.Batch1Stride | rowStride) & (Chunk<T>.Elements - 1)) == 0
        && rowStride <= TileCopy.LongestRow;

    private static long RowStride(in OperandView<T> source) => TOperand.IsAlongK ? source.OuterStride : source.KStride;

    /// <summary>Starts copying the next step, which is wide and all there, and moves on behind it.</summary>
    public void StartWhole(in OperandView<T> source, ArrayView<U4> sTile, int size, int lanes)
    {
        ArrayView<U4> data = source.Data.Cast<U4>().From(at);
        ArrayView<U4> sTarget = sTile.From(target);
        int copies = size * TensorMatmulSteps.Chunks / lanes;
        StartFour(data, sTarget, 0, TOperand.Chunks(size), lanes);
        if (copies > 4) StartFour(data, sTarget, 4, TOperand.Chunks(size), lanes);
        at += TOperand.IsAlongK ? TensorMatmulSteps.Chunks : (long)BK * stride;
    }

    private readonly void StartFour(ArrayView<U4> data, ArrayView<U4> sTarget, int n, int chunks, int lanes)
    {
        StartOne(data, sTarget, n, chunks, lanes);
        StartOne(data, sTarget, n + 1, chunks, lanes);
        StartOne(data, sTarget, n + 2, chunks, lanes);
        StartOne(data, sTarget, n + 3, chunks, lanes);
    }

    // Rows of a step of the group are a multiple of 8 apart, or of 4 along the outer axis of words, and so swizzled alike.
    private readonly void StartOne(ArrayView<U4> data, ArrayView<U4> sTarget, int n, int chunks, int lanes)
    {
        int rows = n * (lanes / chunks);
        TensorCore.CopyAsync(sTarget, rows * chunks, data, (TOperand.IsAlongK ? Math.Min(row + rows, last) : rows) * stride, 1);
    }

    /// <summary>Loads the step at <paramref name="k"/>, of which a part may be missing or that is not wide; zeros past the sizes.</summary>
    public static void LoadCut(
        in OperandView<T> source, long batch, ArrayView<U4> sTile, int size, int outer0, int outers, int k, int end)
    {
        bool isWide = IsWide(source, outers);
        if (TOperand.IsAlongK)
        {
            SwizzledTile.Load<T, TOperand>(
                source.Data, batch, source.OuterStride, source.KStride, isWide && (end & (Chunk<T>.Elements - 1)) == 0,
                outer0, size, 0, outers, k, end, sTile, 0, TOperand.Chunks(size));
            return;
        }
        SwizzledTile.Load<T, TOperand>(
            source.Data, batch, source.KStride, source.OuterStride, isWide, k, BK, 0, end, outer0, outers, sTile, 0, TOperand.Chunks(size));
    }
}
