using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>How SplitSum shares its work out.</summary>
public static class SplitSum
{
    public const int GroupSize = 128;
}

/// <summary>
/// C = f(alpha (A_0 + A_1 + ..) + beta C + bias): what the groups of each part of K left, added up in the order of the parts. A is (batch0,
/// batch1, M, N) with rows of whole vectors, its k axis the K parts; B is not read. A lane has four neighbours of a row, and four parts of
/// them in flight.
/// Grid: ceil(batch0 batch1 M ceil(N / 4) / 128) groups; group: 128 lanes; shared: none.
/// </summary>
public static class SplitSum<TC, TElementC>
    where TC : unmanaged
    where TElementC : struct, IElement<TC>
{
    public static void Kernel(MatmulArgs<float, float, TC> args)
    {
        int vectors = (args.N + 3) / 4;
        long index = (long)Grid.IdxX * SplitSum.GroupSize + Group.IdxX;
        long row = index / vectors;
        int n = 4 * (int)(index - row * vectors);
        long entry = row / args.M;
        if (entry >= (long)args.Batch0 * args.Batch1) return;
        int m = (int)(row - entry * args.M);
        int b0 = (int)(entry / args.Batch1);
        int b1 = (int)(entry - (long)b0 * args.Batch1);

        ArrayView<F4> parts = args.A.Data.Cast<F4>().From(args.A.Batch(b0, b1) + m * args.A.OuterStride + n >> 2);
        long step = args.A.KStride >> 2;
        F4 sum = parts[0];
        int part = 1;
        for (; part + 4 <= args.K; part += 4)
        {
            ArrayView<F4> four = parts.From(part * step);
            F4 first = four[0], second = four[step], third = four[2 * step], fourth = four[3 * step];
            sum.Fma(1f, first);
            sum.Fma(1f, second);
            sum.Fma(1f, third);
            sum.Fma(1f, fourth);
        }
        for (; part < args.K; part++) sum.Fma(1f, parts[part * step]);

        F4 bias = MatmulEpilogue<float, float, TC, TElementC, AnyActivation>.Bias4(args, n);
        MatmulEpilogue<float, float, TC, TElementC, AnyActivation>.Store4(args, args.C.Batch(b0, b1), m, n, sum, bias);
    }
}
