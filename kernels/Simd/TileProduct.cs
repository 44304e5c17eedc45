using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>C (rows x vectors) = [C * columnScale +] A B for any number of rows and 1 to 4 vectors of columns, in register tiles.</summary>
internal static unsafe class TileProduct<W, V, EB>
    where W : struct, IWidth<V>
    where V : struct
    where EB : struct, IElement
{
    /// <summary>
    /// How many of <paramref name="rows"/> to ask for at a time, at most 6, so that they are cut as they would be together.
    /// </summary>
    public static int FirstRows(int rows) => rows == 8 ? 4 : Math.Min(rows, 6);

    /// <summary>
    /// The parameters are those of <see cref="MicroKernel{W, V, EB, TRows, TVectors}.Run"/>. Rows are cut into sixes and, where that leaves
    /// 2 or 4, into fours: both keep the multiply-adds busy, and nothing is computed twice or padded.
    /// </summary>
    public static void Run(int rows, int vectors, nint depth, float* a, nint aRow, nint aStep, byte* b, nint bStep,
        float* c, nint cRow, float* columnScale) =>
        Run<Overwrite>(rows, vectors, depth, a, aRow, aStep, b, bStep, c, cRow, columnScale);

    /// <summary>
    /// As <see cref="Run(int, int, nint, float*, nint, nint, byte*, nint, float*, nint, float*)"/>, with what the store says.
    /// </summary>
    public static void Run<TStore>(int rows, int vectors, nint depth, float* a, nint aRow, nint aStep, byte* b, nint bStep,
        float* c, nint cRow, float* columnScale)
        where TStore : struct, IProductStore
    {
        switch (vectors)
        {
            case 1: Columns<Size1, TStore>(rows, depth, a, aRow, aStep, b, bStep, c, cRow, columnScale); break;
            case 2: Columns<Size2, TStore>(rows, depth, a, aRow, aStep, b, bStep, c, cRow, columnScale); break;
            case 3: Columns<Size3, TStore>(rows, depth, a, aRow, aStep, b, bStep, c, cRow, columnScale); break;
            default: Columns<Size4, TStore>(rows, depth, a, aRow, aStep, b, bStep, c, cRow, columnScale); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Columns<TVectors, TStore>(int rows, nint depth, float* a, nint aRow, nint aStep, byte* b, nint bStep,
        float* c, nint cRow, float* columnScale)
        where TVectors : struct, ISize
        where TStore : struct, IProductStore
    {
        while (rows >= 6 && rows != 8)
        {
            MicroKernel<W, V, EB, Size6, TVectors>.Run<TStore>(depth, a, aRow, aStep, b, bStep, c, cRow, columnScale);
            a += 6 * aRow;
            c += 6 * cRow;
            rows -= 6;
        }

        while (rows >= 4)
        {
            MicroKernel<W, V, EB, Size4, TVectors>.Run<TStore>(depth, a, aRow, aStep, b, bStep, c, cRow, columnScale);
            a += 4 * aRow;
            c += 4 * cRow;
            rows -= 4;
        }

        if (rows >= 2)
        {
            MicroKernel<W, V, EB, Size2, TVectors>.Run<TStore>(depth, a, aRow, aStep, b, bStep, c, cRow, columnScale);
            a += 2 * aRow;
            c += 2 * cRow;
            rows -= 2;
        }

        if (rows > 0) MicroKernel<W, V, EB, Size1, TVectors>.Run<TStore>(depth, a, aRow, aStep, b, bStep, c, cRow, columnScale);
    }

    /// <summary>
    /// C = [C +] A B in the same order and with the same bits, but an element of A that is 0 contributes nothing: what it meets in B may be
    /// infinite or NaN. Stretches of finite rows of B are products like any other.
    /// </summary>
    public static void RunWithoutZeros(int rows, int vectors, nint depth, float* a, nint aRow, nint aStep, byte* b, nint bStep,
        float* c, nint cRow, bool fresh)
    {
        float* ones = stackalloc float[W.Count * W.TileVectors];
        for (int v = 0; v < W.TileVectors; v++) W.Store(ones + v * W.Count, W.Set(1));
        for (nint k = 0; k < depth; k++)
        {
            nint next = k;
            while (next < depth && !Rows<W, V>.HaveNonFinite<EB>(b + next * bStep, 1, 0, vectors * W.Count)) next++;
            for (int v = 0; v < vectors && next > k; v += W.TileVectors)
            {
                byte* columns = b + k * bStep + v * W.Count * EB.Size;
                Run(rows, Math.Min(W.TileVectors, vectors - v), next - k, a + k * aStep, aRow, aStep, columns, bStep, c + v * W.Count, cRow,
                    fresh ? null : ones);
            }

            fresh &= next == k;
            if (next < depth) AddNonZeros(rows, vectors, a + next * aStep, aRow, b + next * bStep, c, cRow, fresh);
            fresh = false;
            k = next;
        }
    }

    /// <summary>C = [C +] one column of A times one row of B, in the rows where A is not 0.</summary>
    private static void AddNonZeros(int rows, int vectors, float* a, nint aRow, byte* b, float* c, nint cRow, bool fresh)
    {
        for (int r = 0; r < rows; r++, a += aRow, c += cRow)
        {
            for (int v = 0; v < vectors; v++)
            {
                V sum = fresh ? W.Zero : W.Load(c + v * W.Count);
                if (*a != 0) sum = W.Fma(W.Set(*a), EB.LoadAt<W, V>(b, v), sum);
                W.Store(c + v * W.Count, sum);
            }
        }
    }
}
