namespace AttnKernels.Simd;

/// <summary>C = f(Alpha * sums + Beta * C + Bias), f the activation, rounded to the type of C.</summary>
internal static unsafe class StoreC<W, V>
    where W : struct, IWidth<V>
    where V : struct
{
    /// <param name="sums">(rows, BlockN), the sums of A B.</param>
    public static void Block(in MatmulPlan plan, byte* c, int row, int column, int rows, int columns, float* sums)
    {
        switch (plan.Args.Activation)
        {
            case Activation.Relu: Block<Relu>(plan, c, row, column, rows, columns, sums); break;
            case Activation.Gelu: Block<Gelu>(plan, c, row, column, rows, columns, sums); break;
            case Activation.GeluTanh: Block<GeluTanh>(plan, c, row, column, rows, columns, sums); break;
            case Activation.Silu: Block<Silu>(plan, c, row, column, rows, columns, sums); break;
            default: Block<NoActivation>(plan, c, row, column, rows, columns, sums); break;
        }
    }

    private static void Block<TActivation>(in MatmulPlan plan, byte* c, int row, int column, int rows, int columns, float* sums)
        where TActivation : struct, IActivation
    {
        for (int p = 0; p < columns; p += plan.Panel)
        {
            int width = Math.Min(plan.Panel, columns - p);
            float* panel = sums + p;
            switch (plan.Args.C.Type)
            {
                case DType.Float16: Panel<Float16Element, TActivation>(plan, c, row, column, p, rows, width, panel); break;
                case DType.BFloat16: Panel<BFloat16Element, TActivation>(plan, c, row, column, p, rows, width, panel); break;
                default: Panel<Float32Element, TActivation>(plan, c, row, column, p, rows, width, panel); break;
            }
        }
    }

    private static void Panel<E, TActivation>(in MatmulPlan plan, byte* c, int row, int column, int p, int rows, int columns, float* panel)
        where E : struct, IElement
        where TActivation : struct, IActivation
    {
        ref readonly var args = ref plan.Args;
        float* bias = stackalloc float[plan.Panel];
        V alpha = W.Set(args.Alpha);
        V beta = W.Set(args.Beta);
        nint step = (nint)args.C.ColumnStride * E.Size;
        for (int r = 0; r < rows; r++)
        {
            float* source = panel + (nint)r * plan.BlockN;
            byte* cRow = c + (r * (nint)args.C.RowStride + p * (nint)args.C.ColumnStride) * E.Size;
            if (r == 0 || plan.BiasRow != 0) LoadBias(plan, row + r, column + p, columns, bias);
            int done = 0;
            if (args.C.ColumnStride == 1)
            {
                for (; done <= columns - W.Count; done += W.Count)
                {
                    V sum = W.Fma(alpha, W.Load(source + done), W.Load(bias + done));
                    if (args.Beta != 0) sum = W.Fma(beta, E.Load<W, V>(cRow + done * E.Size), sum);
                    E.Store<W, V>(cRow + done * E.Size, TActivation.Apply<W, V>(sum));
                }
            }

            for (; done < columns; done++)
            {
                float sum = args.Alpha * source[done] + bias[done];
                if (args.Beta != 0) sum += args.Beta * E.Load<Width1, float>(cRow + done * step);
                E.Store<Width1, float>(cRow + done * step, TActivation.Apply<Width1, float>(sum));
            }
        }
    }

    private static void LoadBias(in MatmulPlan plan, int row, int column, int columns, float* bias)
    {
        ref readonly var args = ref plan.Args;
        if (args.Bias == null)
        {
            new Span<float>(bias, columns).Clear();
            return;
        }

        byte* source = (byte*)args.Bias + args.BiasType.Size() * ((long)row * plan.BiasRow + (long)column * plan.BiasColumn);
        switch (args.BiasType)
        {
            case DType.Float16: Packing<W, V, Float16Element>.Copy(source, 0, plan.BiasColumn, 1, columns, bias, 0); break;
            case DType.BFloat16: Packing<W, V, BFloat16Element>.Copy(source, 0, plan.BiasColumn, 1, columns, bias, 0); break;
            default: Packing<W, V, Float32Element>.Copy(source, 0, plan.BiasColumn, 1, columns, bias, 0); break;
        }
    }
}
