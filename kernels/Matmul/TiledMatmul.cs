using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// C = f(alpha A B + beta C + bias) with shared and register tiles: a group computes BM x BN of C, walking K in steps of BK through two
/// shared buffers; while one is multiplied, the next step's elements travel from global memory into registers.
/// Grid: ceil(M / BM) * ceil(N / BN) * batch0 * batch1 * ceil(K / SplitK) groups; group: BM BN / 64 lanes; shared: MatmulTile.SharedBytes.
/// </summary>
public static class TiledMatmul<TA, TElementA, TB, TElementB, TC, TElementC, TTile, TMultiply, TActivation>
    where TA : unmanaged
    where TElementA : struct, IElement<TA>
    where TB : unmanaged
    where TElementB : struct, IElement<TB>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
    where TTile : struct, IMatmulTile
    where TMultiply : struct, IMultiply
    where TActivation : struct, IActivation
{
    private static int StrideA => MatmulTile<TTile>.StrideA;

    private static int StrideB => MatmulTile<TTile>.StrideB;

    public static void Kernel(MatmulArgs<TA, TB, TC> args)
    {
        ArrayView<F4> sA = SharedMemory.Allocate<F4>(2 * TTile.BK * MatmulTile<TTile>.StrideA); // [2][BK][BM / 4 + 1]
        ArrayView<F4> sB = SharedMemory.Allocate<F4>(2 * TTile.BK * MatmulTile<TTile>.StrideB); // [2][BK][BN / 4 + 1]

        MatmulPlace at = MatmulPlace.Of(args, TTile.BM, TTile.BN, band: 1);

        OperandTile<TA, TElementA> nextA = default;
        OperandTile<TB, TElementB> nextB = default;
        MatmulAccumulator sum = default;
        LaneOffsets(out int row, out int column);

        int buffer = 0;
        nextA.Start(args.A, at.A + at.K * args.A.KStride, at.M, TTile.BM, TTile.BK);
        nextB.Start(args.B, at.B + at.K * args.B.KStride, at.N, TTile.BN, TTile.BK);
        nextA.Load(args.A, at.M, at.K, args.M, at.End, TTile.BM, TTile.BK);
        nextB.Load(args.B, at.N, at.K, args.N, at.End, TTile.BN, TTile.BK);
        nextA.Store(args.A, sA, StrideA, TTile.BM, TTile.BK);
        nextB.Store(args.B, sB, StrideB, TTile.BN, TTile.BK);
        Group.Barrier(); // buffer 0 is filled

        for (int k = at.K + TTile.BK; k < at.End; k += TTile.BK)
        {
            nextA.Load(args.A, at.M, k, args.M, at.End, TTile.BM, TTile.BK);
            nextB.Load(args.B, at.N, k, args.N, at.End, TTile.BN, TTile.BK);
            Multiply(ref sum, sA, sB, buffer, row, column);
            buffer = 1 - buffer;
            nextA.Store(args.A, sA.From(buffer * TTile.BK * StrideA), StrideA, TTile.BM, TTile.BK);
            nextB.Store(args.B, sB.From(buffer * TTile.BK * StrideB), StrideB, TTile.BN, TTile.BK);
            Group.Barrier(); // the other buffer is filled, and this one has been read by all
        }
        Multiply(ref sum, sA, sB, buffer, row, column);

        Write(args, at.C, at.M + row, at.N + column, sum);
    }

    /// <summary>
    /// This lane's first row and column of the tile; its others follow by 1 up to 3, and by half a tile. A warp is 4 x 8 lanes, so that a
    /// 128-bit load of A touches 4 and one of B 8 different addresses: one pass over the banks each.
    /// </summary>
    private static void LaneOffsets(out int row, out int column)
    {
        int lane = Group.IdxX & 31;
        int warp = Group.IdxX / 32;
        int warpRow = warp / (TTile.BN / 64);
        int warpColumn = warp & (TTile.BN / 64 - 1);
        row = 4 * (4 * warpRow + lane / 8);
        column = 4 * (8 * warpColumn + (lane & 7));
    }

    private static void Multiply(ref MatmulAccumulator sum, ArrayView<F4> sA, ArrayView<F4> sB, int buffer, int row, int column)
    {
        int a = buffer * TTile.BK * StrideA + row / 4;
        int b = buffer * TTile.BK * StrideB + column / 4;
        for (int k = 0; k < TTile.BK; k += 4)
        {
            // Written out, so that the loads of one step overlap the arithmetic of another.
            ArrayView<F4> fourA = sA.From(a + k * StrideA);
            ArrayView<F4> fourB = sB.From(b + k * StrideB);
            Step(ref sum, fourA, fourB, 0);
            Step(ref sum, fourA, fourB, 1);
            Step(ref sum, fourA, fourB, 2);
            Step(ref sum, fourA, fourB, 3);
        }
    }

    private static void Step(ref MatmulAccumulator sum, ArrayView<F4> sA, ArrayView<F4> sB, int k)
    {
        F4 aUpper = sA[k * StrideA];
        F4 aLower = sA[k * StrideA + TTile.BM / 8];
        F4 bLeft = sB[k * StrideB];
        F4 bRight = sB[k * StrideB + TTile.BN / 8];
        sum.Add<TMultiply>(aUpper, aLower, bLeft, bRight);
    }

    /// <summary>A loop over the rows, which move up in registers: written out, the epilogue would be most of the kernel's code.</summary>
    private static void Write(in MatmulArgs<TA, TB, TC> args, long batch, int m, int n, MatmulAccumulator sum)
    {
        F4 left = MatmulEpilogue<TA, TB, TC, TElementC, TActivation>.Bias4(args, n);
        F4 right = MatmulEpilogue<TA, TB, TC, TElementC, TActivation>.Bias4(args, n + TTile.BN / 2);
        for (int i = 0; i < 8; i++)
        {
            int row = m + (i & 3) + (i >> 2) * (TTile.BM / 2);
            MatmulEpilogue<TA, TB, TC, TElementC, TActivation>.Store4(args, batch, row, n, sum.Upper.R0.Left, left);
            MatmulEpilogue<TA, TB, TC, TElementC, TActivation>.Store4(args, batch, row, n + TTile.BN / 2, sum.Upper.R0.Right, right);
            sum.MoveUp();
        }
    }
}
