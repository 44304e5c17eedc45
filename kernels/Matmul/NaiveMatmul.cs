using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The readable baseline: c = f(alpha * sum_k a[m,k] b[k,n] + beta * c + bias[n]), one lane an element of C, every operand from global
/// memory. Grid: ceil(M N / group) * batch0 * batch1 groups; shared: none.
/// </summary>
public static class NaiveMatmul<TA, TElementA, TB, TElementB, TC, TElementC>
    where TA : unmanaged
    where TElementA : struct, IElement<TA>
    where TB : unmanaged
    where TElementB : struct, IElement<TB>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    public static void Kernel(MatmulArgs<TA, TB, TC> args)
    {
        long elements = (long)args.M * args.N;
        long groupsPerMatrix = (elements + Group.DimX - 1) / Group.DimX;
        int batch = (int)(Grid.IdxX / groupsPerMatrix);
        long index = (Grid.IdxX - batch * groupsPerMatrix) * Group.DimX + Group.IdxX;
        if (index >= elements) return;
        int m = (int)(index / args.N);
        int n = (int)(index - (long)m * args.N);
        int b0 = batch / args.Batch1;
        int b1 = batch - b0 * args.Batch1;

        long a = args.A.Batch(b0, b1) + m * args.A.OuterStride;
        long b = args.B.Batch(b0, b1 / args.GroupB) + n * args.B.OuterStride;
        float sum = 0f;
        for (int k = 0; k < args.K; k++)
            sum += TElementA.Load(args.A.Data[a + k * args.A.KStride]) * TElementB.Load(args.B.Data[b + k * args.B.KStride]);

        MatmulEpilogue<TA, TB, TC, TElementC, AnyActivation>.Store(args, args.C.Batch(b0, b1), m, n, sum);
    }
}
