using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What happens to a finished sum: c = alpha * sum + beta * c + bias.</summary>
public static class MatmulEpilogue
{
    public static void Store<TA, TB, TC, TElementC>(in MatmulArgs<TA, TB, TC> args, long batch, int m, int n, float sum)
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
        where TElementC : struct, IElement<TC>
    {
        long at = batch + m * args.C.OuterStride + n * args.C.KStride;
        float value = args.Alpha * sum;
        if (args.Beta != 0f) value += args.Beta * TElementC.Load(args.C.Data[at]);
        if (args.Bias.Kind != FloatView.None) value += args.Bias.Load(args.BiasOffset + n);
        args.C.Data[at] = TElementC.Store(value);
    }

    /// <summary>Columns n .. n+3 of row m, those inside C; all four in one store where C allows it.</summary>
    public static void Store4<TA, TB, TC, TElementC>(in MatmulArgs<TA, TB, TC> args, long batch, int m, int n, F4 sum)
        where TA : unmanaged
        where TB : unmanaged
        where TC : unmanaged
        where TElementC : struct, IElement<TC>
    {
        if (m >= args.M) return;
        if (args.C.IsVector != 0 && args.Beta == 0f && args.Bias.Kind == FloatView.None && n + 4 <= args.N)
        {
            sum.Scale(args.Alpha);
            TElementC.Store4(args.C.Data, batch + m * args.C.OuterStride + n, sum);
            return;
        }
        if (n < args.N) Store<TA, TB, TC, TElementC>(args, batch, m, n, sum.X);
        if (n + 1 < args.N) Store<TA, TB, TC, TElementC>(args, batch, m, n + 1, sum.Y);
        if (n + 2 < args.N) Store<TA, TB, TC, TElementC>(args, batch, m, n + 2, sum.Z);
        if (n + 3 < args.N) Store<TA, TB, TC, TElementC>(args, batch, m, n + 3, sum.W);
    }
}
