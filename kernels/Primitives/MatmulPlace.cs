using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// What a group of a tiled matmul computes: C from (M, N) on, summed over [K, End), and where A, B and C of its batch entry lie.
/// </summary>
public struct MatmulPlace
{
    public int M, N, K, End;

    public long A, B, C;

    /// <summary>
    /// The group's tile of bm x bn. The tiles of <paramref name="band"/> rows of them follow one another column by column, so that tiles at
    /// work together share A and B in the cache.
    /// </summary>
    public static MatmulPlace Of<TA, TB, TC>(in MatmulArgs<TA, TB, TC> args, int bm, int bn, int band)
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
    {
        int tilesM = (args.M + bm - 1) / bm;
        int tilesN = (args.N + bn - 1) / bn;
        int batches = args.Batch0 * args.Batch1;
        int entry = Grid.IdxX / (tilesM * tilesN);
        int tile = Grid.IdxX - entry * (tilesM * tilesN);
        int split = entry / batches;
        entry -= split * batches;
        int b0 = entry / args.Batch1;
        int b1 = entry - b0 * args.Batch1;

        int first = tile / (band * tilesN) * band;
        int rows = Math.Min(band, tilesM - first);
        tile -= first * tilesN;
        int tileN = tile / rows;
        int k = split * args.SplitK;
        return new MatmulPlace
        {
            M = (first + tile - tileN * rows) * bm,
            N = tileN * bn,
            K = k,
            End = Math.Min(args.K - k, args.SplitK) + k,
            A = args.A.Batch(b0, b1),
            B = args.B.Batch(b0, b1 / args.GroupB),
            C = args.C.Batch(b0, b1) + split * args.SplitStride,
        };
    }
}
