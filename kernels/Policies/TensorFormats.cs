using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// How tensor cores multiply a storage type. In shared memory it lies in chunks of 16 bytes; a fragment is two chunks deep. A lane's place
/// in its warp is 4 r + t.
/// </summary>
public interface IProductFormat
{
    /// <summary>Elements of a chunk: 8 or 4.</summary>
    static abstract int PerChunk { get; }

    /// <summary>Whether products run in loops, a fragment deep: written out, so many of them take more registers than there are.</summary>
    static abstract bool IsLooped { get; }

    /// <summary>A loaded fragment of A, or two of B, as products take it.</summary>
    static abstract TensorOperand Operand(U4 bits);

    /// <summary>C += A B for each of the two fragments of B.</summary>
    static abstract void Multiply(ref F4 left, ref F4 right, in TensorOperand a, in TensorOperand b);
}

/// <summary>How attention on tensor cores holds a storage type besides: its weights, its values and its output.</summary>
public interface ITensorFormat : IProductFormat
{
    /// <summary>P as an A operand: the first of its 16 columns, as many as a fragment is deep.</summary>
    static abstract TensorOperand Weights(F4 left, F4 right);

    /// <summary>V as the lane's loads for <see cref="LoadValues"/> see it.</summary>
    static abstract LaneTile ValueTile(ArrayView<U4> sV, int chunks);

    /// <summary>
    /// Two B fragments of V: as many rows as a fragment is deep, and the 16 columns from chunk <paramref name="chunk"/> on.
    /// </summary>
    static abstract U4 LoadValues(in LaneTile sV, int row, int chunk);

    /// <summary>The lane's four of these 16 columns of one row of V: what meets its left X and Y, and its right X and Y.</summary>
    static abstract F4 ValueRow(ArrayView<U4> sV, int row, int chunk, int chunks);

    /// <summary>
    /// Stores the lane's four of 16 columns of a row of O, left X and Y, right X and Y, to shared memory as words: the row begins at
    /// <paramref name="row"/>, the columns at word <paramref name="word"/> of it, and word w lies at w ^ <paramref name="swizzle"/>.
    /// </summary>
    static abstract void StoreRow(ArrayView<uint> sWords, int row, int word, int swizzle, F4 values);

    /// <summary>
    /// Stores the same four as floats, where the row's 16 columns from <paramref name="column"/> on go: the lane's first column of them is
    /// <see cref="FirstColumn"/>.
    /// </summary>
    static abstract void StoreFloats(LanePart row, int column, F4 values);

    /// <summary>The first of the lane's four of 16 columns of O, t being its place in four lanes.</summary>
    static abstract int FirstColumn(int t);

    /// <summary>Chunk c of row r of O lies at c ^ this: lanes that store together meet no bank twice.</summary>
    static abstract int OutputSwizzle(int row);

    /// <summary>Whether what a word of shared memory holds is neither infinite nor NaN.</summary>
    static abstract bool IsFinite(uint word);
}

/// <summary>fp16 and bf16: products as they are, 16 deep.</summary>
public readonly struct PairFormat<TElement> : ITensorFormat
    where TElement : struct, ITensorElement
{
    public static int PerChunk => 8;

    public static bool IsLooped => false;

    public static TensorOperand Operand(U4 bits) => new() { Big = bits };

    public static void Multiply(ref F4 left, ref F4 right, in TensorOperand a, in TensorOperand b)
    {
        left = TElement.Multiply(left, a.Big, b.Big.X, b.Big.Y);
        right = TElement.Multiply(right, a.Big, b.Big.Z, b.Big.W);
    }

    /// <summary>A product's accumulators hold the elements that an A operand wants, so that P needs no shared memory.</summary>
    public static TensorOperand Weights(F4 left, F4 right) => Operand(new U4(
        TElement.Pack(left.X, left.Y), TElement.Pack(left.Z, left.W), TElement.Pack(right.X, right.Y), TElement.Pack(right.Z, right.W)));

    public static LaneTile ValueTile(ArrayView<U4> sV, int chunks) => LaneTile.ByRows(sV, chunks);

    public static U4 LoadValues(in LaneTile sV, int row, int chunk) => sV.LoadTransposed(row, chunk);

    public static F4 ValueRow(ArrayView<U4> sV, int row, int chunk, int chunks)
    {
        int t = Group.IdxX & 3;
        ArrayView<uint> sPairs = sV.Cast<uint>();
        uint left = sPairs[4 * SwizzledTile.Index(row, chunk, chunks) + t];
        uint right = sPairs[4 * SwizzledTile.Index(row, chunk + 1, chunks) + t];
        return new F4(
            TElement.Load((ushort)left), TElement.Load((ushort)(left >> 16)),
            TElement.Load((ushort)right), TElement.Load((ushort)(right >> 16)));
    }

    public static void StoreRow(ArrayView<uint> sWords, int row, int word, int swizzle, F4 values)
    {
        int pair = word + (Group.IdxX & 3);
        sWords[row + (pair ^ swizzle)] = TElement.Pack(values.X, values.Y);
        sWords[row + ((pair + 4) ^ swizzle)] = TElement.Pack(values.Z, values.W);
    }

    public static void StoreFloats(LanePart row, int column, F4 values)
    {
        if (column < row.Columns) row.Data[column / 2] = new F2(values.X, values.Y);
        if (column + 8 < row.Columns) row.Data[column / 2 + 4] = new F2(values.Z, values.W);
    }

    public static int FirstColumn(int t) => 2 * t;

    public static int OutputSwizzle(int row) => row & 7;

    public static bool IsFinite(uint word)
    {
        const uint low = 0xFFFFu;
        uint exponents = ~word & TElement.ExponentMask;
        return (exponents & low) != 0 && (exponents & ~low) != 0;
    }
}

/// <summary>fp32 rounded to the 11 significant bits of TF32, products 8 deep. Of matmul only, on request.</summary>
public readonly struct Tf32Format : IProductFormat
{
    public static int PerChunk => 4;

    public static bool IsLooped => false;

    public static TensorOperand Operand(U4 bits) =>
        new() { Big = new U4(Round(bits.X), Round(bits.Y), Round(bits.Z), Round(bits.W)) };

    public static void Multiply(ref F4 left, ref F4 right, in TensorOperand a, in TensorOperand b)
    {
        left = TensorCore.MultiplyTf32(left, a.Big, b.Big.X, b.Big.Y);
        right = TensorCore.MultiplyTf32(right, a.Big, b.Big.Z, b.Big.W);
    }

    /// <summary>
    /// To nearest: half of the last of 11 bits is added, and products cut the rest off. 2^-11 of the number's power of two is that half,
    /// and of what is infinite or NaN another such, where an addition to the bits would make the most common NaN a zero.
    /// </summary>
    private static uint Round(uint bits)
    {
        const float half = 1f / 2048;
        return Interop.FloatAsInt(Interop.IntAsFloat(bits) + half * Interop.IntAsFloat(bits & 0xFF800000u));
    }
}

/// <summary>
/// fp32 by three products of TF32, 8 deep: with a = big + small, both of 11 significant bits, a b is small * big + big * small + big * big
/// but for 3 * 2^-22 |a b| (3xTF32: CUTLASS example 27; Henry, Tang and Heinecke 2019).
/// </summary>
/// <remarks>
/// Tensor cores truncate their sums. So each starts from 0 and is added to C with rounding: what is truncated is a part of eight products
/// and not of a long sum (Ootomo and Yokota 2022).
/// An A operand has columns t and t + 4 where a lane has columns 2t and 2t + 1 of P: V's rows take the same places, 2t for t and 2t + 1 for
/// t + 4. Columns of O are free, too: with 2r in the left fragment and 2r + 1 in the right a lane loads two at once, and stores four.
/// </remarks>
public readonly struct Tf32x3Format : ITensorFormat
{
    public static int PerChunk => 4;

    public static bool IsLooped => true;

    public static TensorOperand Operand(U4 bits)
    {
        TensorOperand parts = default;
        Split(bits.X, ref parts.Big.X, ref parts.Small.X);
        Split(bits.Y, ref parts.Big.Y, ref parts.Small.Y);
        Split(bits.Z, ref parts.Big.Z, ref parts.Small.Z);
        Split(bits.W, ref parts.Big.W, ref parts.Small.W);
        return parts;
    }

    public static void Multiply(ref F4 left, ref F4 right, in TensorOperand a, in TensorOperand b)
    {
        left.Add(Product(a, b.Big.X, b.Big.Y, b.Small.X, b.Small.Y));
        right.Add(Product(a, b.Big.Z, b.Big.W, b.Small.Z, b.Small.W));
    }

    public static TensorOperand Weights(F4 left, F4 right) => Operand(new U4(
        Interop.FloatAsInt(left.X), Interop.FloatAsInt(left.Z), Interop.FloatAsInt(left.Y), Interop.FloatAsInt(left.W)));

    public static LaneTile ValueTile(ArrayView<U4> sV, int chunks) => LaneTile.ByPairs(sV, chunks);

    public static U4 LoadValues(in LaneTile sV, int row, int chunk) => sV.LoadPairs(row, chunk);

    public static F4 ValueRow(ArrayView<U4> sV, int row, int chunk, int chunks)
    {
        U4 v = sV[SwizzledTile.Index(row, chunk + (Group.IdxX & 3), chunks)];
        return new F4(Interop.IntAsFloat(v.X), Interop.IntAsFloat(v.Z), Interop.IntAsFloat(v.Y), Interop.IntAsFloat(v.W));
    }

    public static void StoreRow(ArrayView<uint> sWords, int row, int word, int swizzle, F4 values)
    {
        int at = row + ((word + 4 * (Group.IdxX & 3)) ^ swizzle);
        sWords.Cast<F4>()[at >> 2] = new F4(values.X, values.Z, values.Y, values.W);
    }

    public static void StoreFloats(LanePart row, int column, F4 values)
    {
        if (column < row.Columns) row.Data.Cast<F4>()[column / 4] = new F4(values.X, values.Z, values.Y, values.W);
    }

    public static int FirstColumn(int t) => 4 * t;

    /// <summary>Two neighbouring rows of four chunks are stored at once: they lie in different halves of eight.</summary>
    public static int OutputSwizzle(int row) => (row & 1) << 2 | (row >> 1 & 3);

    public static bool IsFinite(uint word) => (~word & 0x7F800000u) != 0;

    private static F4 Product(in TensorOperand a, uint big0, uint big1, uint small0, uint small1)
    {
        F4 sum = TensorCore.MultiplyTf32(default, a.Small, big0, big1);
        sum = TensorCore.MultiplyTf32(sum, a.Big, small0, small1);
        return TensorCore.MultiplyTf32(sum, a.Big, big0, big1);
    }

    /// <summary>
    /// The nearest number of 11 significant bits, and the rest: exact, of 12 bits at most, of which a product reads 11. cvt.rna.tf32.f32
    /// would take three times as many instructions to keep infinities; what is infinite or NaN here has a rest that is NaN.
    /// </summary>
    private static void Split(uint bits, ref uint big, ref uint small)
    {
        big = (bits + 0x1000u) & ~0x1FFFu;
        small = Interop.FloatAsInt(Interop.IntAsFloat(bits) - Interop.IntAsFloat(big));
    }
}
