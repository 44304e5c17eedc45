using System.Runtime.CompilerServices;

namespace AttnKernels.Simd;

/// <summary>A size known to the JIT.</summary>
internal interface ISize
{
    static abstract int Value { get; }
}

internal readonly struct Size1 : ISize
{
    public static int Value => 1;
}

internal readonly struct Size2 : ISize
{
    public static int Value => 2;
}

internal readonly struct Size3 : ISize
{
    public static int Value => 3;
}

internal readonly struct Size4 : ISize
{
    public static int Value => 4;
}

internal readonly struct Size6 : ISize
{
    public static int Value => 6;
}

/// <summary>What a product does with the memory of C once its sums are complete.</summary>
internal unsafe interface IProductStore
{
    static abstract void Store<W, V>(float* c, V sum)
        where W : struct, IWidth<V>
        where V : struct;
}

/// <summary>C = sum.</summary>
internal readonly unsafe struct Overwrite : IProductStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<W, V>(float* c, V sum)
        where W : struct, IWidth<V>
        where V : struct => W.Store(c, sum);
}

/// <summary>C = sum + C log2(e), where C holds a bias: one of -inf hides the key whatever the sum is, NaN included.</summary>
internal readonly unsafe struct AddToBias : IProductStore
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<W, V>(float* c, V sum)
        where W : struct, IWidth<V>
        where V : struct
    {
        V bias = W.Load(c);
        V hidden = W.Set(float.NegativeInfinity);
        W.Store(c, W.Select(W.Equal(bias, hidden), hidden, W.Fma(bias, W.Set(Exp2.Log2E), sum)));
    }
}

/// <summary>
/// The register tile all products are made of: C (rows x columns) = [C * columnScale +] A (rows x depth) B (depth x columns),
/// where columns = <typeparamref name="TVectors"/> whole vectors. A is broadcast element by element from wherever it lies, so it needs
/// no packing and may be transposed; B is read as vectors, widened from <typeparamref name="EB"/>.
/// </summary>
/// <remarks>
/// 6 x 4 vectors: a step of the depth is 24 multiply-adds on 4 vector loads and 6 broadcasts, far from the load limit of two a cycle, and
/// 24
/// independent sums cover the latency of 4. Every sum runs over the depth in order, so an element's bits do not depend on the tile's shape.
/// </remarks>
internal static unsafe class MicroKernel<W, V, EB, TRows, TVectors>
    where W : struct, IWidth<V>
    where V : struct
    where EB : struct, IElement
    where TRows : struct, ISize
    where TVectors : struct, ISize
{
    /// <param name="depth">Length of the sums.</param>
    /// <param name="a">Element (r, k) of A is a[r * aRow + k * aStep].</param>
    /// <param name="b">Row k of B is the vectors at b + k * bStep, in bytes.</param>
    /// <param name="c">Row r of C is the vectors at c + r * cRow.</param>
    /// <param name="columnScale">One row of vectors that scales what C holds, or null: C is only written.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TStore>(nint depth, float* a, nint aRow, nint aStep, byte* b, nint bStep, float* c, nint cRow,
        float* columnScale)
        where TStore : struct, IProductStore
    {
        V c00 = W.Zero, c01 = W.Zero, c02 = W.Zero, c03 = W.Zero;
        V c10 = W.Zero, c11 = W.Zero, c12 = W.Zero, c13 = W.Zero;
        V c20 = W.Zero, c21 = W.Zero, c22 = W.Zero, c23 = W.Zero;
        V c30 = W.Zero, c31 = W.Zero, c32 = W.Zero, c33 = W.Zero;
        V c40 = W.Zero, c41 = W.Zero, c42 = W.Zero, c43 = W.Zero;
        V c50 = W.Zero, c51 = W.Zero, c52 = W.Zero, c53 = W.Zero;

        if (columnScale != null)
        {
            V s0 = W.Load(columnScale);
            V s1 = TVectors.Value > 1 ? W.Load(columnScale + W.Count) : W.Zero;
            V s2 = TVectors.Value > 2 ? W.Load(columnScale + 2 * W.Count) : W.Zero;
            V s3 = TVectors.Value > 3 ? W.Load(columnScale + 3 * W.Count) : W.Zero;
            LoadRow(c, s0, s1, s2, s3, ref c00, ref c01, ref c02, ref c03);
            if (TRows.Value > 1) LoadRow(c + cRow, s0, s1, s2, s3, ref c10, ref c11, ref c12, ref c13);
            if (TRows.Value > 2) LoadRow(c + 2 * cRow, s0, s1, s2, s3, ref c20, ref c21, ref c22, ref c23);
            if (TRows.Value > 3) LoadRow(c + 3 * cRow, s0, s1, s2, s3, ref c30, ref c31, ref c32, ref c33);
            if (TRows.Value > 4) LoadRow(c + 4 * cRow, s0, s1, s2, s3, ref c40, ref c41, ref c42, ref c43);
            if (TRows.Value > 5) LoadRow(c + 5 * cRow, s0, s1, s2, s3, ref c50, ref c51, ref c52, ref c53);
        }

        // Rows 3 to 5 have a pointer of their own: base + index * {4, 8} then addresses every row without another addition.
        float* a3 = a + 3 * aRow;
        for (nint k = depth; k > 0; k--)
        {
            V b0 = EB.LoadAt<W, V>(b, 0);
            V b1 = TVectors.Value > 1 ? EB.LoadAt<W, V>(b, 1) : W.Zero;
            V b2 = TVectors.Value > 2 ? EB.LoadAt<W, V>(b, 2) : W.Zero;
            V b3 = TVectors.Value > 3 ? EB.LoadAt<W, V>(b, 3) : W.Zero;
            AddRow(W.Set(a[0]), b0, b1, b2, b3, ref c00, ref c01, ref c02, ref c03);
            if (TRows.Value > 1) AddRow(W.Set(a[aRow]), b0, b1, b2, b3, ref c10, ref c11, ref c12, ref c13);
            if (TRows.Value > 2) AddRow(W.Set(a[2 * aRow]), b0, b1, b2, b3, ref c20, ref c21, ref c22, ref c23);
            if (TRows.Value > 3) AddRow(W.Set(a3[0]), b0, b1, b2, b3, ref c30, ref c31, ref c32, ref c33);
            if (TRows.Value > 4) AddRow(W.Set(a3[aRow]), b0, b1, b2, b3, ref c40, ref c41, ref c42, ref c43);
            if (TRows.Value > 5) AddRow(W.Set(a3[2 * aRow]), b0, b1, b2, b3, ref c50, ref c51, ref c52, ref c53);
            a += aStep;
            if (TRows.Value > 3) a3 += aStep;
            b += bStep;
        }

        StoreRow<TStore>(c, c00, c01, c02, c03);
        if (TRows.Value > 1) StoreRow<TStore>(c + cRow, c10, c11, c12, c13);
        if (TRows.Value > 2) StoreRow<TStore>(c + 2 * cRow, c20, c21, c22, c23);
        if (TRows.Value > 3) StoreRow<TStore>(c + 3 * cRow, c30, c31, c32, c33);
        if (TRows.Value > 4) StoreRow<TStore>(c + 4 * cRow, c40, c41, c42, c43);
        if (TRows.Value > 5) StoreRow<TStore>(c + 5 * cRow, c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(V a, V b0, V b1, V b2, V b3, ref V c0, ref V c1, ref V c2, ref V c3)
    {
        c0 = W.Fma(a, b0, c0);
        if (TVectors.Value > 1) c1 = W.Fma(a, b1, c1);
        if (TVectors.Value > 2) c2 = W.Fma(a, b2, c2);
        if (TVectors.Value > 3) c3 = W.Fma(a, b3, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadRow(float* c, V s0, V s1, V s2, V s3, ref V c0, ref V c1, ref V c2, ref V c3)
    {
        c0 = W.Multiply(s0, W.Load(c));
        if (TVectors.Value > 1) c1 = W.Multiply(s1, W.Load(c + W.Count));
        if (TVectors.Value > 2) c2 = W.Multiply(s2, W.Load(c + 2 * W.Count));
        if (TVectors.Value > 3) c3 = W.Multiply(s3, W.Load(c + 3 * W.Count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TStore>(float* c, V c0, V c1, V c2, V c3)
        where TStore : struct, IProductStore
    {
        TStore.Store<W, V>(c, c0);
        if (TVectors.Value > 1) TStore.Store<W, V>(c + W.Count, c1);
        if (TVectors.Value > 2) TStore.Store<W, V>(c + 2 * W.Count, c2);
        if (TVectors.Value > 3) TStore.Store<W, V>(c + 3 * W.Count, c3);
    }
}
