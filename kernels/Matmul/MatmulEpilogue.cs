using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>What happens to a finished sum: c = f(alpha * sum + bias + beta * c).</summary>
public static class MatmulEpilogue<TA, TB, TC, TElementC, TActivation>
    where TA : unmanaged
    where TB : unmanaged
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
    where TActivation : struct, IActivation
{
    /// <summary>The biases of columns n .. n+3, which all rows share; 0 past the last one.</summary>
    public static F4 Bias4(in MatmulArgs<TA, TB, TC> args, int n) =>
        new(Bias(args, n), Bias(args, n + 1), Bias(args, n + 2), Bias(args, n + 3));

    public static void Store(in MatmulArgs<TA, TB, TC> args, long batch, int m, int n, float sum)
    {
        long at = batch + m * args.C.OuterStride + n * args.C.KStride;
        float value = Bias(args, n) + args.Alpha * sum;
        if (args.Beta != 0f) value += args.Beta * TElementC.Load(args.C.Data[at]);
        args.C.Data[at] = TElementC.Store(TActivation.Apply(new F4(value, 0f, 0f, 0f), args.Activation).X);
    }

    /// <summary>Columns n .. n+3 of row m, those inside C; all four in one store where C allows it.</summary>
    public static void Store4(in MatmulArgs<TA, TB, TC> args, long batch, int m, int n, F4 sum, F4 bias)
    {
        if (m >= args.M) return;
        long row = batch + m * args.C.OuterStride;
        bool isVector = args.C.IsVector != 0 && n + 4 <= args.N;
        F4 value = bias;
        value.Fma(args.Alpha, sum);
        if (args.Beta != 0f) value.Fma(args.Beta, isVector ? TElementC.Load4(args.C.Data, row + n) : Old4(args, row, n));
        value = TActivation.Apply(value, args.Activation);
        if (isVector)
        {
            TElementC.Store4(args.C.Data, row + n, value);
            return;
        }
        if (n < args.N) args.C.Data[row + n * args.C.KStride] = TElementC.Store(value.X);
        if (n + 1 < args.N) args.C.Data[row + (n + 1) * args.C.KStride] = TElementC.Store(value.Y);
        if (n + 2 < args.N) args.C.Data[row + (n + 2) * args.C.KStride] = TElementC.Store(value.Z);
        if (n + 3 < args.N) args.C.Data[row + (n + 3) * args.C.KStride] = TElementC.Store(value.W);
    }

    private static float Bias(in MatmulArgs<TA, TB, TC> args, int n) => n < args.N ? args.Bias.Load(args.BiasOffset + n) : 0f;

    private static F4 Old4(in MatmulArgs<TA, TB, TC> args, long row, int n) =>
        new(Old(args, row, n), Old(args, row, n + 1), Old(args, row, n + 2), Old(args, row, n + 3));

    private static float Old(in MatmulArgs<TA, TB, TC> args, long row, int n) =>
        n < args.N ? TElementC.Load(args.C.Data[row + n * args.C.KStride]) : 0f;
}
