using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Copies one operand of a tensor-core matmul to shared memory, a step of K after the other, all lanes of a group together. A lane keeps
/// its chunk of a row and a running address; the rows that it copies are a constant number of rows apart.
/// </summary>
public struct OperandCopy<TOperand>
    where TOperand : struct, ITensorOperand
{
    private const int BK = TensorMatmulSteps.BK;

    /// <summary>The lane's first chunk of the step that comes next, without its row where rows run along the outer axis.</summary>
    private long at;

    /// <summary>Chunks from row to row.</summary>
    private int stride;

    /// <summary>The lane's first row in the tile, the tile's last row that is there, and where its first chunk goes.</summary>
    private int row, last, target;

    /// <summary>Outer rows outer0 .. of the operand, from <paramref name="k0"/> on.</summary>
    public static OperandCopy<TOperand> Of(in OperandView<ushort> source, long batch, int size, int outer0, int outers, int k0)
    {
        int chunks = TOperand.Chunks(size);
        int row = Group.IdxX / chunks;
        int chunk = Group.IdxX & (chunks - 1);
        long rowStride = RowStride(source);

        // What lies past the last outer row only reaches parts of C that do not exist: the last one is copied again.
        long start = TOperand.IsAlongK
            ? outer0 * rowStride + k0 + 8 * chunk
            : (k0 + row) * rowStride + Math.Min(outer0 + 8 * chunk, outers - 8);
        return new OperandCopy<TOperand>
        {
            at = batch + start >> 3,
            stride = (int)(rowStride >> 3),
            row = row,
            last = outers - 1 - outer0,
            target = SwizzledTile.Index(row, chunk, chunks),
        };
    }

    /// <summary>Whether rows start at multiples of 16 bytes, so that whole steps can be copied in chunks.</summary>
    public static bool IsWide(in OperandView<ushort> source, int outers) => TOperand.IsAlongK
        ? source.KStride == 1 && IsWide(source, source.OuterStride)
        : source.OuterStride == 1 && (outers & 7) == 0 && IsWide(source, source.KStride);

    private static bool IsWide(in OperandView<ushort> source, long rowStride) =>
        ((source.Offset | source.Batch0Stride | source.Batch1Stride | rowStride) & 7) == 0 && rowStride <= TileCopy.LongestRow;

    private static long RowStride(in OperandView<ushort> source) => TOperand.IsAlongK ? source.OuterStride : source.KStride;

    /// <summary>Starts copying the next step, which is wide and all there, and moves on behind it.</summary>
    public void StartWhole(in OperandView<ushort> source, ArrayView<U4> sTile, int size, int lanes)
    {
        ArrayView<U4> data = source.Data.Cast<U4>().From(at);
        ArrayView<U4> sTarget = sTile.From(target);
        int copies = size * BK / 8 / lanes;
        StartFour(data, sTarget, 0, TOperand.Chunks(size), lanes);
        if (copies > 4) StartFour(data, sTarget, 4, TOperand.Chunks(size), lanes);
        at += TOperand.IsAlongK ? BK / 8 : (long)BK * stride;
    }

    private readonly void StartFour(ArrayView<U4> data, ArrayView<U4> sTarget, int n, int chunks, int lanes)
    {
        StartOne(data, sTarget, n, chunks, lanes);
        StartOne(data, sTarget, n + 1, chunks, lanes);
        StartOne(data, sTarget, n + 2, chunks, lanes);
        StartOne(data, sTarget, n + 3, chunks, lanes);
    }

    // Rows of a step of the group are a multiple of 8 apart, and so swizzled alike.
    private readonly void StartOne(ArrayView<U4> data, ArrayView<U4> sTarget, int n, int chunks, int lanes)
    {
        int rows = n * (lanes / chunks);
        TensorCore.CopyAsync(sTarget, rows * chunks, data, (TOperand.IsAlongK ? Math.Min(row + rows, last) : rows) * stride, 1);
    }

    /// <summary>Loads the step at <paramref name="k"/>, of which a part may be missing or that is not wide; zeros past the sizes.</summary>
    public static void LoadCut(
        in OperandView<ushort> source, long batch, ArrayView<U4> sTile, int size, int outer0, int outers, int k, int end)
    {
        bool isWide = IsWide(source, outers);
        if (TOperand.IsAlongK)
        {
            SwizzledTile.Load(
                source.Data, batch, source.OuterStride, source.KStride, isWide && (end & 7) == 0, outer0, size, 0, outers, k, end, sTile, 0,
                TOperand.Chunks(size));
            return;
        }
        SwizzledTile.Load(
            source.Data, batch, source.KStride, source.OuterStride, isWide, k, BK, 0, end, outer0, outers, sTile, 0, TOperand.Chunks(size));
    }
}
