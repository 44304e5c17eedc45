namespace AttnKernels.Verification.Ptx.Operations;

/// <summary>shfl.sync.bfly and .idx among all lanes: d = a of the lane that b names.</summary>
internal sealed class Shuffle(int d, int a, int b, bool isButterfly) : Operation
{
    public override void Execute(Warp warp, uint lanes)
    {
        warp.RequireAll(lanes);
        Span<ulong> before = stackalloc ulong[Warp.Lanes];
        warp.Values(a).CopyTo(before);
        Span<ulong> to = warp.Values(d), which = warp.Values(b);
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            int from = isButterfly ? lane ^ (int)which[lane] : (int)which[lane];
            if ((uint)from >= Warp.Lanes) throw new PtxFaultException($"lane {lane} asks for the register of lane {from}");
            to[lane] = before[from];
        }
    }
}

/// <summary>
/// ldmatrix.x1, x2 or x4 of 16-bit elements (PTX ISA 7.8, section 9.7.13.4.15): lane 8 m + r names row r of matrix m, and lanes past the
/// last matrix name nothing; register m of lane 4 r + t gets elements 2t and 2t + 1 of row r, or with .trans of column r.
/// </summary>
internal sealed unsafe class LoadMatrices(int[] d, int address, int offset, bool transposes) : Operation
{
    private const int Side = 8;

    public override void Execute(Warp warp, uint lanes)
    {
        warp.RequireAll(lanes);
        Span<ushort> rows = stackalloc ushort[Warp.Lanes * Side];
        for (int lane = 0; lane < d.Length * Side; lane++)
        {
            ulong at = warp.Values(address)[lane] + (ulong)offset;
            byte* row = warp.Group.Shared.Read(at, Side * sizeof(ushort), SharedMemory.ManyLanes);
            new ReadOnlySpan<ushort>(row, Side).CopyTo(rows[(lane * Side)..]);
        }
        for (int m = 0; m < d.Length; m++)
        {
            Span<ulong> to = warp.Values(d[m]);
            ReadOnlySpan<ushort> matrix = rows.Slice(m * Side * Side, Side * Side);
            for (int lane = 0; lane < Warp.Lanes; lane++)
            {
                (int r, int t) = (lane / 4, lane % 4 * 2);
                to[lane] = transposes
                    ? matrix[t * Side + r] | (ulong)matrix[(t + 1) * Side + r] << 16
                    : matrix[r * Side + t] | (ulong)matrix[r * Side + t + 1] << 16;
            }
        }
    }
}

/// <summary>How a register of an operand of mma holds elements.</summary>
internal interface IMatrixElement
{
    /// <summary>Elements a register.</summary>
    static abstract int Count { get; }

    /// <summary>Element <paramref name="n"/> of a register.</summary>
    static abstract float Read(uint register, int n);
}

/// <summary>.f16.</summary>
internal readonly struct Float16Pair : IMatrixElement
{
    public static int Count => 2;

    public static float Read(uint register, int n) => (float)BitConverter.UInt16BitsToHalf((ushort)(register >> (16 * n)));
}

/// <summary>.bf16.</summary>
internal readonly struct BFloat16Pair : IMatrixElement
{
    public static int Count => 2;

    public static float Read(uint register, int n) => BitConverter.UInt32BitsToSingle(register >> (16 * n) << 16);
}

/// <summary>.tf32: the upper 19 bits of a float.</summary>
internal readonly struct Tf32 : IMatrixElement
{
    public static int Count => 1;

    public static float Read(uint register, int n) => BitConverter.UInt32BitsToSingle(register & ~0x1FFFu);
}

/// <summary>
/// mma.sync.m16n8k16 of 16-bit elements and m16n8k8 of TF32 (PTX ISA 7.8, sections 9.7.13.4.8 and 9.7.13.4.6): D = A B + C with
/// A (16 x k), B (k x 8), C (16 x 8).
/// </summary>
internal sealed class MatrixMultiply<TElement>(int[] d, int[] a, int[] b, int[] c) : Operation
    where TElement : struct, IMatrixElement
{
    private const int Rows = 16;
    private const int Columns = 8;

    public override void Execute(Warp warp, uint lanes)
    {
        warp.RequireAll(lanes);
        int half = 4 * TElement.Count; // of the depth, and what tensor cores add at once
        int depth = 2 * half;
        Span<float> left = stackalloc float[Rows * 16]; // by rows
        Span<float> right = stackalloc float[Columns * 16]; // by columns
        Span<float> sums = stackalloc float[Rows * Columns]; // as the lanes hold them: D may be A, B or C
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            (int r, int t) = (lane / 4, lane % 4);
            for (int n = 0; n < TElement.Count; n++)
            {
                int k = t * TElement.Count + n;
                // a0: row r; a1: row r + 8; a2 and a3: the same, half the depth further. b0 and b1 likewise, column r.
                for (int i = 0; i < 4; i++)
                    left[(r + i % 2 * 8) * depth + k + i / 2 * half] = TElement.Read((uint)warp.Values(a[i])[lane], n);
                for (int i = 0; i < 2; i++) right[r * depth + k + i * half] = TElement.Read((uint)warp.Values(b[i])[lane], n);
            }
        }
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            (int r, int t) = (lane / 4, lane % 4);
            for (int i = 0; i < 4; i++) // c0, c1: row r, columns 2t and 2t + 1; c2, c3: row r + 8
            {
                float sum = BitConverter.UInt32BitsToSingle((uint)warp.Values(c[i])[lane]);
                ReadOnlySpan<float> row = left.Slice((r + i / 2 * 8) * depth, depth);
                ReadOnlySpan<float> column = right.Slice((2 * t + i % 2) * depth, depth);
                for (int k = 0; k < depth; k += half) sum = TensorSum.Add(sum, row.Slice(k, half), column.Slice(k, half));
                sums[lane * 4 + i] = sum;
            }
        }
        for (int lane = 0; lane < Warp.Lanes; lane++)
        {
            for (int i = 0; i < 4; i++) warp.Values(d[i])[lane] = BitConverter.SingleToUInt32Bits(sums[lane * 4 + i]);
        }
    }
}
