using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// C = f(alpha A B + beta C + bias) on tensor cores, 16-bit A and B, sums in fp32. A group computes 128 x 128 of C, a warp 64 x 32 of it in
/// registers, walking K in steps of BK through three stages in shared memory: two are under way while one is multiplied.
/// Grid: ceil(M / BM) * ceil(N / BN) * batch0 * batch1 groups; group: 256 lanes; shared: 48 KB.
/// </summary>
public static class TensorMatmul<TElement, TC, TElementC, TA, TB, TActivation>
    where TElement : struct, ITensorElement
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
    where TA : struct, ITensorOperand
    where TB : struct, ITensorOperand
    where TActivation : struct, IActivation
{
    private const int BM = TensorMatmulTile.Outer;
    private const int BN = TensorMatmulTile.Outer;
    private const int BK = TensorMatmulTile.BK;

    /// <summary>Where B lies in a stage, behind A; in chunks of 16 bytes.</summary>
    private const int StageB = TensorMatmulTile.OperandChunks;
    private const int Stage = 2 * StageB;

    public static void Kernel(MatmulArgs<ushort, ushort, TC> args)
    {
        ArrayView<U4> sTiles = SharedMemory.Allocate<U4>(TensorMatmulTile.Stages * Stage); // [3][A, B][128 x 32]
        Place(args, out int b0, out int b1, out int m0, out int n0);
        long a = args.A.Batch(b0, b1);
        long b = args.B.Batch(b0, b1 / args.GroupB);
        int warp = Group.IdxX / 32;
        int row = warp / TensorMatmulTile.WarpsN * TensorBlock<TElement>.Rows;
        int column = (warp & (TensorMatmulTile.WarpsN - 1)) * TensorBlock<TElement>.Columns;
        bool isInside = m0 + row < args.M && n0 + column < args.N;

        Load(args, a, b, m0, n0, 0, sTiles, 0);
        Load(args, a, b, m0, n0, BK, sTiles, Stage);
        int stage = 0;
        int free = 2 * Stage;
        TensorBlock<TElement> sum = default;
        for (int k = 0; k < args.K; k += BK)
        {
            TensorCore.WaitForOlderCopies();
            Group.Barrier(); // this stage is there, and the free one has been read
            Load(args, a, b, m0, n0, k + 2 * BK, sTiles, free);
            if (isInside)
            {
                Multiply(ref sum, sTiles, stage, row, column, 0);
                Multiply(ref sum, sTiles, stage, row, column, 16);
            }
            free = stage;
            stage = stage == 2 * Stage ? 0 : stage + Stage;
        }

        long c = args.C.Batch(b0, b1);
        Write(args, c, m0 + row, n0 + column, sum);
    }

    /// <summary>The tile of C that this group computes.</summary>
    private static void Place(in MatmulArgs<ushort, ushort, TC> args, out int b0, out int b1, out int m0, out int n0)
    {
        int tilesM = (args.M + BM - 1) / BM;
        int tilesN = (args.N + BN - 1) / BN;
        int batch = Grid.IdxX / (tilesM * tilesN);
        int tile = Grid.IdxX - batch * (tilesM * tilesN);
        int tileM = tile / tilesN;
        b0 = batch / args.Batch1;
        b1 = batch - b0 * args.Batch1;
        m0 = tileM * BM;
        n0 = (tile - tileM * tilesN) * BN;
    }

    /// <summary>Starts loading the step at k as one batch of copies, an empty one past the end.</summary>
    private static void Load(
        in MatmulArgs<ushort, ushort, TC> args, long a, long b, int m0, int n0, int k, ArrayView<U4> sTiles, int stage)
    {
        if (k < args.K)
        {
            TA.Load(args.A, a, m0, k, args.M, args.K, sTiles, stage);
            TB.Load(args.B, b, n0, k, args.N, args.K, sTiles, stage + StageB);
        }
        TensorCore.CommitCopies();
    }

    /// <summary>16 elements of K.</summary>
    private static void Multiply(ref TensorBlock<TElement> sum, ArrayView<U4> sTiles, int stage, int row, int column, int k)
    {
        U4 left = TB.Columns(sTiles, stage + StageB, column, k);
        U4 right = TB.Columns(sTiles, stage + StageB, column + 16, k);
        U4 a0 = TA.Rows(sTiles, stage, row, k);
        U4 a1 = TA.Rows(sTiles, stage, row + 16, k);
        U4 a2 = TA.Rows(sTiles, stage, row + 32, k);
        U4 a3 = TA.Rows(sTiles, stage, row + 48, k);
        sum.Add(a0, a1, a2, a3, left, right);
    }

    /// <summary>
    /// A loop over blocks of eight columns, which move left in registers, for the sake of short code; a lane stores four of the columns.
    /// </summary>
    private static void Write(in MatmulArgs<ushort, ushort, TC> args, long batch, int m, int n, TensorBlock<TElement> sum)
    {
        n += 2 * (Group.IdxX & 2);
        for (int end = n + TensorBlock<TElement>.Columns; n < end; n += 8)
        {
            F4 bias = MatmulEpilogue<ushort, ushort, TC, TElementC, TActivation>.Bias4(args, n);
            Write(args, batch, m, n, sum.R0.C0, bias);
            Write(args, batch, m + 16, n, sum.R1.C0, bias);
            Write(args, batch, m + 32, n, sum.R2.C0, bias);
            Write(args, batch, m + 48, n, sum.R3.C0, bias);
            sum.MoveLeft();
        }
    }

    /// <summary>
    /// 16 x 8 elements. A lane has two neighbours of a row and two of the row 8 below; it exchanges two with the next lane, so that it
    /// stores four neighbours of one row.
    /// </summary>
    private static void Write(in MatmulArgs<ushort, ushort, TC> args, long batch, int m, int n, F4 sum, F4 bias)
    {
        int lane = Group.IdxX & 31;
        bool isLower = (lane & 1) != 0;
        float x = Warp.ShuffleXor(isLower ? sum.X : sum.Z, 1);
        float y = Warp.ShuffleXor(isLower ? sum.Y : sum.W, 1);
        F4 four = isLower ? new F4(x, y, sum.Z, sum.W) : new F4(sum.X, sum.Y, x, y);
        MatmulEpilogue<ushort, ushort, TC, TElementC, TActivation>.Store4(args, batch, m + lane / 4 + (isLower ? 8 : 0), n, four, bias);
    }
}
