using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// C = f(alpha A B + beta C + bias) on tensor cores, sums in fp32: A and B of 16 bits, or of 32 as TF32. A group computes BM x BN of C, a
/// warp a block of it in registers, walking K in steps of BK through two or three stages in shared memory: while one is multiplied, the
/// others are under way. A step whose rows are wide and that K does not cut is one copy for each chunk; a warp loads fragments two chunks
/// of K ahead of their product. With parts of K the groups of each leave sums of their own, which SplitSum adds up.
/// Grid: ceil(M / BM) * ceil(N / BN) * batch0 * batch1 * ceil(K / SplitK) groups; group: 128 or 256 lanes; shared:
/// TensorMatmulTile.SharedBytes.
/// </summary>
public static class TensorMatmul<T, TFormat, TC, TElementC, TTile, TBlock, TA, TB>
    where T : unmanaged
    where TFormat : struct, IProductFormat
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
    where TTile : struct, ITensorMatmulTile
    where TBlock : struct, ITensorBlock<TFormat>
    where TA : struct, ITensorOperand
    where TB : struct, ITensorOperand
{
    /// <summary>132 tiles of 128 x 256 at work are then 1,024 x 4,352 of C: about square.</summary>
    private const int Band = 8;

    private static int BK => TensorMatmulTile<TFormat, TTile, TBlock>.BK;

    private static int Stage => TensorMatmulTile<TFormat, TTile, TBlock>.Stage;

    private static int StageB => TensorMatmulTile<TFormat, TTile, TBlock>.StageB;

    private static int Lanes => TensorMatmulTile<TFormat, TTile, TBlock>.GroupSize;

    /// <summary>How far the copies are ahead of the products, in elements of K.</summary>
    private static int Ahead => (TTile.Stages - 1) * BK;

    public static void Kernel(MatmulArgs<T, T, TC> args)
    {
        ArrayView<U4> sTiles = SharedMemory.Allocate<U4>(TTile.Stages * Stage); // [stages][A: BM x BK, B: BN x BK]
        MatmulPlace at = MatmulPlace.Of(args, TTile.BM, TTile.BN, Band);
        int warp = Group.IdxX / 32;
        int row = warp / TensorMatmulTile<TFormat, TTile, TBlock>.WarpsN * TBlock.Rows;
        int column = (warp & (TensorMatmulTile<TFormat, TTile, TBlock>.WarpsN - 1)) * TBlock.Columns;
        LaneTile rows = TA.Rows(sTiles, TTile.BM, row);
        LaneTile columns = TB.Columns(sTiles.From(StageB), TTile.BN, column);
        OperandCopy<T, TA> a = OperandCopy<T, TA>.Of(args.A, at.A, TTile.BM, at.M, args.M, at.K);
        OperandCopy<T, TB> b = OperandCopy<T, TB>.Of(args.B, at.B, TTile.BN, at.N, args.N, at.K);
        bool isWide = OperandCopy<T, TA>.IsWide(args.A, args.M) && OperandCopy<T, TB>.IsWide(args.B, args.N);
        int endOfWhole = isWide ? at.K + ((at.End - at.K) & ~(BK - 1)) : at.K;

        int k = at.K;
        for (int stage = 0; stage < TTile.Stages - 1; stage++, k += BK)
            Start(args, at, ref a, ref b, k, endOfWhole, sTiles.From(stage * Stage));
        int full = 0;
        int free = (TTile.Stages - 1) * Stage;
        WaitForStep();
        TBlock sum = default;
        TensorFragments f = Load(rows, columns, 0, 0);
        for (; k < endOfWhole; k += BK)
        {
            StartWhole(args, ref a, ref b, sTiles.From(free));
            TensorFragments last = MultiplyButLast(ref sum, f, rows, columns, full);
            MoveOn(ref full, ref free);
            f = Load(rows, columns, full, 0);
            sum.Add(last);
        }
        for (k -= Ahead; k < at.End; k += BK)
        {
            Start(args, at, ref a, ref b, k + Ahead, endOfWhole, sTiles.From(free));
            TensorFragments last = MultiplyButLast(ref sum, f, rows, columns, full);
            MoveOn(ref full, ref free);
            if (k + BK < at.End) f = Load(rows, columns, full, 0);
            sum.Add(last);
        }
        Write(args, at.C, at.M + row, at.N + column, sum);
    }

    /// <summary>Starts loading the step at k as one batch of copies, an empty one past the end.</summary>
    private static void Start(
        in MatmulArgs<T, T, TC> args, in MatmulPlace at, ref OperandCopy<T, TA> a, ref OperandCopy<T, TB> b, int k, int endOfWhole,
        ArrayView<U4> sStage)
    {
        if (k < endOfWhole)
        {
            StartWhole(args, ref a, ref b, sStage);
            return;
        }
        if (k < at.End)
        {
            OperandCopy<T, TA>.LoadCut(args.A, at.A, sStage, TTile.BM, at.M, args.M, k, at.End);
            OperandCopy<T, TB>.LoadCut(args.B, at.B, sStage.From(StageB), TTile.BN, at.N, args.N, k, at.End);
        }
        TensorCore.CommitCopies();
    }

    private static void StartWhole(
        in MatmulArgs<T, T, TC> args, ref OperandCopy<T, TA> a, ref OperandCopy<T, TB> b, ArrayView<U4> sStage)
    {
        a.StartWhole(args.A, sStage, TTile.BM, Lanes);
        b.StartWhole(args.B, sStage.From(StageB), TTile.BN, Lanes);
        TensorCore.CommitCopies();
    }

    /// <summary>The fragments of this step have been read: its stage is free, and the next one is full.</summary>
    private static void MoveOn(ref int full, ref int free)
    {
        free = full;
        full = full == (TTile.Stages - 1) * Stage ? 0 : full + Stage;
        WaitForStep();
    }

    private static void WaitForStep()
    {
        // The lane's copies of the next step have arrived; with three stages those of the one after it may be under way.
        if (TTile.Stages > 2) TensorCore.WaitForOlderCopies();
        else TensorCore.WaitForCopies();
        Group.Barrier(); // the next step is there, and this one has been read
    }

    /// <summary>A step's products but the last, whose fragments it returns; <paramref name="f"/> is those of the first.</summary>
    private static TensorFragments MultiplyButLast(
        ref TBlock sum, in TensorFragments f, in LaneTile rows, in LaneTile columns, int stage)
    {
        if (TFormat.IsLooped)
        {
            TensorFragments last = f;
            for (int chunk = 2; chunk < TensorMatmulSteps.Chunks; chunk += 2)
            {
                TensorFragments next = Load(rows, columns, stage, chunk);
                sum.Add(last);
                last = next;
            }
            return last;
        }
        TensorFragments second = Load(rows, columns, stage, 2);
        sum.Add(f);
        TensorFragments third = Load(rows, columns, stage, 4);
        sum.Add(second);
        TensorFragments fourth = Load(rows, columns, stage, 6);
        sum.Add(third);
        return fourth;
    }

    private static TensorFragments Load(in LaneTile rows, in LaneTile columns, int stage, int chunk)
    {
        LaneTile a = rows.Behind(stage);
        LaneTile b = columns.Behind(stage);
        TensorFragments f = default;
        f.A0 = TA.FragmentOfA(a, 0, chunk);
        f.A1 = TA.FragmentOfA(a, 16, chunk);
        if (TBlock.Rows > 32) f.A2 = TA.FragmentOfA(a, 32, chunk);
        if (TBlock.Rows > 32) f.A3 = TA.FragmentOfA(a, 48, chunk);
        f.B0 = TB.FragmentsOfB(b, 0, chunk);
        f.B1 = TB.FragmentsOfB(b, 16, chunk);
        if (TBlock.Columns > 32) f.B2 = TB.FragmentsOfB(b, 32, chunk);
        if (TBlock.Columns > 32) f.B3 = TB.FragmentsOfB(b, 48, chunk);
        return f;
    }

    /// <summary>
    /// A loop over blocks of eight columns, which move left in registers, for the sake of short code; a lane stores four of the columns.
    /// </summary>
    private static void Write(in MatmulArgs<T, T, TC> args, long batch, int m, int n, TBlock sum)
    {
        n += 2 * (Group.IdxX & 2);
        for (int end = n + TBlock.Columns; n < end; n += 8)
        {
            F4 bias = MatmulEpilogue<T, T, TC, TElementC, AnyActivation>.Bias4(args, n);
            Write(args, batch, m, n, sum.First(0), bias);
            Write(args, batch, m + 16, n, sum.First(16), bias);
            if (TBlock.Rows > 32) Write(args, batch, m + 32, n, sum.First(32), bias);
            if (TBlock.Rows > 32) Write(args, batch, m + 48, n, sum.First(48), bias);
            sum.MoveLeft();
        }
    }

    /// <summary>
    /// 16 x 8 elements. A lane has two neighbours of a row and two of the row 8 below; it exchanges two with the next lane, so that it
    /// stores four neighbours of one row.
    /// </summary>
    private static void Write(in MatmulArgs<T, T, TC> args, long batch, int m, int n, F4 sum, F4 bias)
    {
        int lane = Group.IdxX & 31;
        bool isLower = (lane & 1) != 0;
        float x = Warp.ShuffleXor(isLower ? sum.X : sum.Z, 1);
        float y = Warp.ShuffleXor(isLower ? sum.Y : sum.W, 1);
        F4 four = isLower ? new F4(x, y, sum.Z, sum.W) : new F4(sum.X, sum.Y, x, y);
        MatmulEpilogue<T, T, TC, TElementC, AnyActivation>.Store4(args, batch, m + lane / 4 + (isLower ? 8 : 0), n, four, bias);
    }
}
