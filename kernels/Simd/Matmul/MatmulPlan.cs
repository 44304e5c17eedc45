namespace AttnKernels.Simd;

/// <summary>What all work items of a matmul share. An item computes one block of C, packing the columns of B that it needs.</summary>
internal unsafe struct MatmulPlan
{
    /// <summary>
    /// Depth of a block. A panel of B (512 x 64 floats) streams from L2 past 6 rows of A at 11 bytes a cycle, a third of what L2 gives,
    /// and C is read and written once for 512 multiply-adds on each element; with 256 the traffic of C cost 5 % at 2048.
    /// </summary>
    public const int BlockK = 512;

    /// <summary>
    /// Rows of A (96 KB) that pass all panels of B before the next ones do: they stay in L2 with the block of B (512 KB).
    /// </summary>
    public const int PassRows = 48;

    /// <summary>
    /// Rows of a block of C, so many that packing B, which each work item does for itself, is a small part of the products.
    /// </summary>
    private const int BlockRows = 512;

    private const int BlockColumns = 256;

    public MatmulArgs Args;

    /// <summary>A is shared by so many neighbours in the second batch axis; B likewise.</summary>
    public int GroupA;
    public int GroupB;

    /// <summary>Strides of the bias along rows and columns of C.</summary>
    public int BiasRow;
    public int BiasColumn;

    public int BlockM;
    public int BlockN;
    public int BlocksM;
    public int BlocksN;

    /// <summary>Columns of a packed panel of B.</summary>
    public int Panel;

    public MatmulPlan(in MatmulArgs args, int panel, int threads)
    {
        Args = args;
        Panel = panel;
        GroupA = 1;
        GroupB = Math.Max(1, args.GroupB);
        BiasRow = 0;
        BiasColumn = 1;
        if (args.C.ColumnStride != 1 && args.C.RowStride == 1 && !args.SkipZeroA) Transpose();
        BlockM = Math.Min(BlockRows, Args.M);
        BlockN = Math.Min(BlockColumns, (Args.N + panel - 1) / panel * panel);
        Count();
        while (Items < threads && BlockN > panel) ShrinkBlock(ref BlockN, panel);
        while (Items < threads && BlockM > PassRows) ShrinkBlock(ref BlockM, 1);
    }

    public readonly int Items => checked(Args.Batch0 * Args.Batch1 * BlocksM * BlocksN);

    /// <summary>Whether register tiles can be stored into C as they are, if the columns of a block are whole vectors.</summary>
    public readonly bool StoresDirectly =>
        Args.C.Type == DType.Float32 && Args.C.ColumnStride == 1 && Args.Alpha == 1 && Args.Beta == 0 && Args.Bias == null
        && Args.Activation == Activation.None;

    /// <summary>Floats of the block of C, the packed block of B, the widened block of A and the widened bias.</summary>
    public readonly long FloatsC => (long)BlockM * BlockN;

    public readonly long FloatsB => (long)BlockK * BlockN;

    public readonly long FloatsA => Args.A.Type == DType.Float32 ? 0 : BlockK * Scratch.Align(BlockM);

    public readonly long ScratchBytes => sizeof(float) * (Scratch.Align(FloatsC) + FloatsB + FloatsA);

    private void ShrinkBlock(ref int block, int unit)
    {
        block = (block / 2 + unit - 1) / unit * unit;
        Count();
    }

    private void Count()
    {
        BlocksM = (Args.M + BlockM - 1) / BlockM;
        BlocksN = (Args.N + BlockN - 1) / BlockN;
    }

    /// <summary>C^T = B^T A^T, so that the contiguous axis of C is the one computed in vectors.</summary>
    private void Transpose()
    {
        (Args.M, Args.N) = (Args.N, Args.M);
        (Args.A, Args.B) = (Flip(Args.B), Flip(Args.A));
        Args.C = Flip(Args.C);
        (GroupA, GroupB) = (GroupB, GroupA);
        (BiasRow, BiasColumn) = (1, 0);
    }

    private static MatrixArgs Flip(MatrixArgs matrix)
    {
        (matrix.RowStride, matrix.ColumnStride) = (matrix.ColumnStride, matrix.RowStride);
        return matrix;
    }
}
