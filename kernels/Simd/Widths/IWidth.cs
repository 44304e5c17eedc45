namespace AttnKernels.Simd;

/// <summary>
/// One vector width. <typeparamref name="V"/> is the vector type itself (not a wrapper), so that every local of type V is a register.
/// All kernels are written once against this interface; the JIT compiles one copy per width.
/// </summary>
/// <remarks>Truth values are vectors of all-ones or all-zeros lanes. Min and Max give NaN where the second operand is NaN.</remarks>
internal unsafe interface IWidth<V>
    where V : struct
{
    /// <summary>Floats in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>Vectors across a register tile: 6 rows of them, the operands and the broadcast must fit the register file.</summary>
    static abstract int TileVectors { get; }

    static abstract V Zero { get; }

    static abstract V Set(float value);

    static abstract V SetBits(uint bits);

    static abstract V Load(float* source);

    static abstract void Store(float* target, V value);

    /// <summary>A store that goes past the caches; the address is a multiple of the vector's size.</summary>
    static abstract void Stream(float* target, V value);

    /// <summary>Asks for the cache line at an address, into the second-level cache. The address need not be readable.</summary>
    static abstract void Prefetch(float* address);

    /// <summary>Count 16-bit integers, sign-extended into the lanes' bits.</summary>
    static abstract V LoadInt16(short* source);

    /// <summary>The low 16 bits of every lane.</summary>
    static abstract void StoreUInt16(ushort* target, V bits);

    /// <summary>Count bytes, zero-extended into the lanes' bits.</summary>
    static abstract V LoadBytes(byte* source);

    /// <summary>Count signed bytes as numbers.</summary>
    static abstract V LoadInt8(sbyte* source);

    static abstract V Add(V a, V b);

    static abstract V Subtract(V a, V b);

    static abstract V Multiply(V a, V b);

    static abstract V Divide(V a, V b);

    /// <summary>a * b + c, rounded once where the hardware fuses.</summary>
    static abstract V Fma(V a, V b, V c);

    static abstract V Min(V a, V b);

    static abstract V Max(V a, V b);

    static abstract V And(V a, V b);

    static abstract V Or(V a, V b);

    static abstract V ShiftLeft(V bits, int count);

    static abstract V ShiftRight(V bits, int count);

    /// <summary>Shifts copies of the sign in.</summary>
    static abstract V ShiftRightSigned(V bits, int count);

    static abstract V AddBits(V a, V b);

    static abstract V Select(V condition, V whereTrue, V whereFalse);

    static abstract V Equal(V a, V b);

    static abstract V Less(V a, V b);

    /// <summary>a &lt; b as signed integers.</summary>
    static abstract V LessBits(V a, V b);

    static abstract float MaxAcross(V value);

    static abstract float SumAcross(V value);

    /// <summary>target[0 .. 3] = the sums across a, b, c and d, with the bits of <see cref="SumAcross"/>.</summary>
    static abstract void StoreSums(float* target, V a, V b, V c, V d);

    /// <summary>x - floor(x); 0 for -inf; NaN for NaN. For x &lt;= 0.</summary>
    static abstract V Fraction(V x);

    /// <summary>value * 2^floor(x), which is 0 for -inf. For x &lt;= 0; subnormal results may be flushed to 0.</summary>
    static abstract V Scale(V value, V x);

    /// <summary>
    /// target[c * targetStep + r] = element (r, column + c), where rows[r] addresses row r, for r and c below Count.
    /// </summary>
    static abstract void Transpose<E>(byte** rows, nint column, float* target, nint targetStep)
        where E : struct, IElement;
}

/// <summary>Which <see cref="IWidth{V}"/> runs.</summary>
internal enum SimdWidth
{
    Scalar,
    Vector128,
    Vector256,
    Vector512,
}
