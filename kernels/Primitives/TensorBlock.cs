namespace AttnKernels.Kernels;

/// <summary>What a warp multiplies over two chunks of K: fragments of 16 rows of A each, and of 16 columns of B each.</summary>
public struct TensorFragments
{
    public U4 A0, A1, A2, A3, B0, B1, B2, B3;
}

/// <summary>Those of B as products take them.</summary>
public struct TensorOperands
{
    public TensorOperand B0, B1, B2, B3;

    public static TensorOperands Of<TFormat>(in TensorFragments f)
        where TFormat : struct, IProductFormat => new()
        {
            B0 = TFormat.Operand(f.B0),
            B1 = TFormat.Operand(f.B1),
            B2 = TFormat.Operand(f.B2),
            B3 = TFormat.Operand(f.B3),
        };
}

/// <summary>A warp's part of C in registers.</summary>
public interface ITensorBlock<TFormat>
    where TFormat : struct, IProductFormat
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <summary>C += A B over two chunks of K. Fragments past the block's rows and columns are not looked at.</summary>
    void Add(in TensorFragments f);

    /// <summary>The first eight columns of the rows from <paramref name="row"/> on, 0, 16, 32 or 48.</summary>
    F4 First(int row);

    /// <summary>Every eight columns become the next ones.</summary>
    void MoveLeft();
}

/// <summary>16 rows of such a part.</summary>
public interface ITensorRow<TFormat>
    where TFormat : struct, IProductFormat
{
    static abstract int Columns { get; }

    /// <summary>The first eight columns.</summary>
    F4 First { get; }

    void Add(in TensorOperand a, in TensorOperands b);

    /// <summary>Every eight columns become the next ones, the last ones <paramref name="last"/>.</summary>
    void MoveLeft(F4 last);
}

/// <summary>64 rows.</summary>
public struct FourRows<TFormat, TRow> : ITensorBlock<TFormat>
    where TFormat : struct, IProductFormat
    where TRow : struct, ITensorRow<TFormat>
{
    public TRow R0, R1, R2, R3;

    public static int Rows => 64;

    public static int Columns => TRow.Columns;

    public void Add(in TensorFragments f)
    {
        TensorOperands b = TensorOperands.Of<TFormat>(f);
        R0.Add(TFormat.Operand(f.A0), b);
        R1.Add(TFormat.Operand(f.A1), b);
        R2.Add(TFormat.Operand(f.A2), b);
        R3.Add(TFormat.Operand(f.A3), b);
    }

    public readonly F4 First(int row) => row == 0 ? R0.First : row == 16 ? R1.First : row == 32 ? R2.First : R3.First;

    public void MoveLeft()
    {
        R0.MoveLeft(default);
        R1.MoveLeft(default);
        R2.MoveLeft(default);
        R3.MoveLeft(default);
    }
}

/// <summary>32 rows.</summary>
public struct TwoRows<TFormat, TRow> : ITensorBlock<TFormat>
    where TFormat : struct, IProductFormat
    where TRow : struct, ITensorRow<TFormat>
{
    public TRow R0, R1;

    public static int Rows => 32;

    public static int Columns => TRow.Columns;

    public void Add(in TensorFragments f)
    {
        TensorOperands b = TensorOperands.Of<TFormat>(f);
        R0.Add(TFormat.Operand(f.A0), b);
        R1.Add(TFormat.Operand(f.A1), b);
    }

    public readonly F4 First(int row) => row == 0 ? R0.First : R1.First;

    public void MoveLeft()
    {
        R0.MoveLeft(default);
        R1.MoveLeft(default);
    }
}

/// <summary>16 x 32 elements: the accumulators of four products.</summary>
public struct TensorRow32<TFormat> : ITensorRow<TFormat>
    where TFormat : struct, IProductFormat
{
    /// <summary>8 columns each.</summary>
    private F4 c0, c1, c2, c3;

    public static int Columns => 32;

    public readonly F4 First => c0;

    public void Add(in TensorOperand a, in TensorOperands b) => Add(a, b.B0, b.B1);

    public void Add(in TensorOperand a, in TensorOperand left, in TensorOperand right)
    {
        TFormat.Multiply(ref c0, ref c1, a, left);
        TFormat.Multiply(ref c2, ref c3, a, right);
    }

    public void MoveLeft(F4 last)
    {
        c0 = c1;
        c1 = c2;
        c2 = c3;
        c3 = last;
    }
}

/// <summary>16 x 64 elements.</summary>
public struct TensorRow64<TFormat> : ITensorRow<TFormat>
    where TFormat : struct, IProductFormat
{
    private TensorRow32<TFormat> left, right;

    public static int Columns => 64;

    public readonly F4 First => left.First;

    public void Add(in TensorOperand a, in TensorOperands b)
    {
        left.Add(a, b.B0, b.B1);
        right.Add(a, b.B2, b.B3);
    }

    public void MoveLeft(F4 last)
    {
        left.MoveLeft(right.First);
        right.MoveLeft(last);
    }
}
