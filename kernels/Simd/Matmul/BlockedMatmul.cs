using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// One block of C per work item: for each block of the depth, B is packed into panels of TileVectors vectors and every panel is
/// multiplied with
/// the rows of A, which are read where they lie unless they must be widened. Sums run over the depth in order, whatever the blocks.
/// </summary>
internal static unsafe class BlockedMatmul<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    public static void Item(void* shared, int item, byte* memory)
    {
        ref readonly var plan = ref Unsafe.AsRef<MatmulPlan>(shared);
        ref readonly var args = ref plan.Args;
        int blockM = item % plan.BlocksM;
        int blockN = item / plan.BlocksM % plan.BlocksN;
        int batch = item / plan.BlocksM / plan.BlocksN;
        int batch1 = batch % args.Batch1;
        int batch0 = batch / args.Batch1;
        int row = blockM * plan.BlockM;
        int column = blockN * plan.BlockN;
        int rows = Math.Min(plan.BlockM, args.M - row);
        int columns = Math.Min(plan.BlockN, args.N - column);
        byte* a = Address(args.A, batch0, batch1 / plan.GroupA, row, 0);
        byte* b = Address(args.B, batch0, batch1 / plan.GroupB, 0, column);
        byte* c = Address(args.C, batch0, batch1, row, column);

        float* blockC = (float*)memory;
        float* blockB = blockC + Scratch.Align(plan.FloatsC);
        float* widenedA = blockB + plan.FloatsB;
        float* ones = stackalloc float[W.Count * W.TileVectors];
        for (int i = 0; i < W.Count * W.TileVectors; i++) ones[i] = 1;

        bool direct = plan.StoresDirectly && columns % W.Count == 0;
        float* target = direct ? (float*)c : blockC;
        nint targetRow = direct ? (nint)args.C.RowStride : plan.BlockN;
        for (int k = 0; k < args.K || k == 0; k += MatmulPlan.BlockK)
        {
            int depth = Math.Min(MatmulPlan.BlockK, args.K - k);
            float* blockA = LoadA(args.A, a, k, rows, depth, widenedA, out nint aRow, out nint aStep);
            PackB(args.B, b, k, depth, columns, blockB, plan.Panel);
            bool guarded = args.SkipZeroA && HasNonFinite(blockB, depth, columns, plan.Panel);
            for (int r = 0; r < rows; r += MatmulPlan.PassRows)
            {
                int passRows = Math.Min(MatmulPlan.PassRows, rows - r);
                for (int p = 0; p < columns; p += plan.Panel)
                {
                    int vectors = (Math.Min(plan.Panel, columns - p) + W.Count - 1) / W.Count;
                    byte* panel = (byte*)(blockB + (nint)p * depth);
                    nint panelStep = plan.Panel * sizeof(float);
                    float* passA = blockA + r * aRow;
                    float* passC = target + r * targetRow + p;
                    if (guarded) TileProduct<W, V, Float32Element>.RunWithoutZeros(passRows, vectors, depth, passA, aRow, aStep, panel,
                        panelStep, passC, targetRow, k == 0);
                    else TileProduct<W, V, Float32Element>.Run(passRows, vectors, depth, passA, aRow, aStep, panel, panelStep, passC,
                        targetRow,
                        k == 0 ? null : ones);
                }
            }
        }

        if (!direct) StoreC<W, V>.Block(plan, c, row, column, rows, columns, blockC);
    }

    private static byte* Address(in MatrixArgs matrix, int batch0, int batch1, int row, int column) =>
        (byte*)matrix.Data + matrix.Type.Size() * (batch0 * matrix.Batch0Stride + batch1 * matrix.Batch1Stride
            + row * matrix.RowStride + column * matrix.ColumnStride);

    /// <summary>Columns [k, k + depth) of A as fp32, and where its elements lie.</summary>
    private static float* LoadA(in MatrixArgs matrix, byte* a, int k, int rows, int depth, float* widened, out nint aRow, out nint aStep)
    {
        nint row = (nint)matrix.RowStride;
        nint column = (nint)matrix.ColumnStride;
        byte* first = a + matrix.Type.Size() * k * column;
        aRow = row;
        aStep = column;
        if (matrix.Type == DType.Float32) return (float*)first;

        // Widened along the axis that is contiguous.
        bool transposed = row == 1;
        aRow = transposed ? 1 : MatmulPlan.BlockK;
        aStep = transposed ? (nint)Scratch.Align(rows) : 1;
        (row, column, rows, depth) = transposed ? (column, row, depth, rows) : (row, column, rows, depth);
        nint step = transposed ? aStep : aRow;
        if (matrix.Type == DType.Float16) Packing<W, V, Float16Element>.Copy(first, row, column, rows, depth, widened, step);
        else Packing<W, V, BFloat16Element>.Copy(first, row, column, rows, depth, widened, step);
        return widened;
    }

    /// <summary>Rows [k, k + depth) of B as panels (depth, width).</summary>
    private static void PackB(in MatrixArgs matrix, byte* b, int k, int depth, int columns, float* panels, int width)
    {
        nint row = (nint)matrix.RowStride;
        nint step = (nint)matrix.ColumnStride;
        byte* first = b + matrix.Type.Size() * (k * row);
        switch (matrix.Type)
        {
            case DType.Float16: Packing<W, V, Float16Element>.Panels(first, row, step, depth, columns, panels, width); break;
            case DType.BFloat16: Packing<W, V, BFloat16Element>.Panels(first, row, step, depth, columns, panels, width); break;
            default: Packing<W, V, Float32Element>.Panels(first, row, step, depth, columns, panels, width); break;
        }
    }

    private static bool HasNonFinite(float* panels, int depth, int columns, int width)
    {
        for (int p = 0; p < columns; p += width)
        {
            if (Rows<W, V>.HaveNonFinite<Float32Element>((byte*)(panels + (nint)p * depth), depth, width * sizeof(float),
                Math.Min(width, columns - p))) return true;
        }

        return false;
    }
}
