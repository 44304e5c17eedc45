using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>
/// Dot products of a few rows of Q with rows of K where they lie, widened as they are loaded: TRows x 4 accumulators, so each load of K
/// serves TRows rows and each load of Q four keys. A product's bits depend on its two rows only.
/// </summary>
internal static unsafe class DotProducts<W, V, EK>
    where W : struct, IWidth<V>
    where V : struct
    where EK : struct, IKeyElement
{
    /// <summary>dots[r * dotsStep + j] = sum over d of q[r * qStep + d] * k[j][d]; the rows of K are kStep bytes apart.</summary>
    public static void Run(float* q, int rows, nint qStep, byte* k, int keys, nint kStep, int depth, float* dots, nint dotsStep)
    {
        for (int j = 0; j < keys; j += 4)
        {
            // Past the last key its row is repeated; what that gives is not stored.
            int count = Math.Min(4, keys - j);
            byte* k0 = k + j * kStep;
            byte* k1 = k0 + (count > 1 ? kStep : 0);
            byte* k2 = k1 + (count > 2 ? kStep : 0);
            byte* k3 = k2 + (count > 3 ? kStep : 0);
            int r = 0;
            for (; r <= rows - 4; r += 4) FourKeys<Size4>(q + r * qStep, qStep, k0, k1, k2, k3, depth, dots + r * dotsStep + j,
                dotsStep, count);
            for (; r <= rows - 2; r += 2) FourKeys<Size2>(q + r * qStep, qStep, k0, k1, k2, k3, depth, dots + r * dotsStep + j,
                dotsStep, count);
            if (r < rows) FourKeys<Size1>(q + r * qStep, qStep, k0, k1, k2, k3, depth, dots + r * dotsStep + j, dotsStep, count);
        }

        // After the vectors, so that no call is between their sums and the registers.
        if (depth % W.Count != 0) AddTails(q, rows, qStep, k, keys, kStep, depth, dots, dotsStep);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FourKeys<TRows>(float* q, nint qStep, byte* k0, byte* k1, byte* k2, byte* k3, int depth,
        float* dots, nint dotsStep, int count)
        where TRows : struct, ISize
    {
        V s00 = W.Zero, s01 = W.Zero, s02 = W.Zero, s03 = W.Zero;
        V s10 = W.Zero, s11 = W.Zero, s12 = W.Zero, s13 = W.Zero;
        V s20 = W.Zero, s21 = W.Zero, s22 = W.Zero, s23 = W.Zero;
        V s30 = W.Zero, s31 = W.Zero, s32 = W.Zero, s33 = W.Zero;
        int d = 0;
        for (; d <= depth - 2 * W.Count; d += 2 * W.Count)
        {
            nint offset = d * EK.Size;
            V a0 = EK.LoadAt<W, V>(k0 + offset, 0), a1 = EK.LoadAt<W, V>(k1 + offset, 0);
            V a2 = EK.LoadAt<W, V>(k2 + offset, 0), a3 = EK.LoadAt<W, V>(k3 + offset, 0);
            AddRow(W.Load(q + d), a0, a1, a2, a3, ref s00, ref s01, ref s02, ref s03);
            if (TRows.Value > 1) AddRow(W.Load(q + qStep + d), a0, a1, a2, a3, ref s10, ref s11, ref s12, ref s13);
            if (TRows.Value > 2) AddRow(W.Load(q + 2 * qStep + d), a0, a1, a2, a3, ref s20, ref s21, ref s22, ref s23);
            if (TRows.Value > 3) AddRow(W.Load(q + 3 * qStep + d), a0, a1, a2, a3, ref s30, ref s31, ref s32, ref s33);
            float* second = q + d + W.Count;
            a0 = EK.LoadAt<W, V>(k0 + offset, 1);
            a1 = EK.LoadAt<W, V>(k1 + offset, 1);
            a2 = EK.LoadAt<W, V>(k2 + offset, 1);
            a3 = EK.LoadAt<W, V>(k3 + offset, 1);
            AddRow(W.Load(second), a0, a1, a2, a3, ref s00, ref s01, ref s02, ref s03);
            if (TRows.Value > 1) AddRow(W.Load(second + qStep), a0, a1, a2, a3, ref s10, ref s11, ref s12, ref s13);
            if (TRows.Value > 2) AddRow(W.Load(second + 2 * qStep), a0, a1, a2, a3, ref s20, ref s21, ref s22, ref s23);
            if (TRows.Value > 3) AddRow(W.Load(second + 3 * qStep), a0, a1, a2, a3, ref s30, ref s31, ref s32, ref s33);
        }

        if (!EK.Pairs && d <= depth - W.Count)
        {
            nint offset = d * EK.Size;
            V a0 = EK.Load<W, V>(k0 + offset), a1 = EK.Load<W, V>(k1 + offset);
            V a2 = EK.Load<W, V>(k2 + offset), a3 = EK.Load<W, V>(k3 + offset);
            AddRow(W.Load(q + d), a0, a1, a2, a3, ref s00, ref s01, ref s02, ref s03);
            if (TRows.Value > 1) AddRow(W.Load(q + qStep + d), a0, a1, a2, a3, ref s10, ref s11, ref s12, ref s13);
            if (TRows.Value > 2) AddRow(W.Load(q + 2 * qStep + d), a0, a1, a2, a3, ref s20, ref s21, ref s22, ref s23);
            if (TRows.Value > 3) AddRow(W.Load(q + 3 * qStep + d), a0, a1, a2, a3, ref s30, ref s31, ref s32, ref s33);
            d += W.Count;
        }

        Store(s00, s01, s02, s03, dots, count);
        if (TRows.Value > 1) Store(s10, s11, s12, s13, dots + dotsStep, count);
        if (TRows.Value > 2) Store(s20, s21, s22, s23, dots + 2 * dotsStep, count);
        if (TRows.Value > 3) Store(s30, s31, s32, s33, dots + 3 * dotsStep, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(V q, V k0, V k1, V k2, V k3, ref V s0, ref V s1, ref V s2, ref V s3)
    {
        s0 = W.Fma(q, k0, s0);
        s1 = W.Fma(q, k1, s1);
        s2 = W.Fma(q, k2, s2);
        s3 = W.Fma(q, k3, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(V s0, V s1, V s2, V s3, float* dots, int count)
    {
        if (count == 4)
        {
            W.StoreSums(dots, s0, s1, s2, s3);
            return;
        }

        dots[0] = W.SumAcross(s0);
        if (count > 1) dots[1] = W.SumAcross(s1);
        if (count > 2) dots[2] = W.SumAcross(s2);
    }

    /// <summary>Adds the products of the elements past the whole vectors.</summary>
    private static void AddTails(float* q, int rows, nint qStep, byte* k, int keys, nint kStep, int depth, float* dots, nint dotsStep)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int j = 0; j < keys; j++)
            {
                float sum = 0;
                for (int d = depth / W.Count * W.Count; d < depth; d++)
                    sum += q[r * qStep + d] * EK.Load<Width1, float>(k + j * kStep + d * EK.Size);
                dots[r * dotsStep + j] += sum;
            }
        }
    }
}
