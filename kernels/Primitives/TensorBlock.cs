namespace AttnKernels.Kernels;

/// <summary>What a warp multiplies over 16 elements of K: fragments of 16 rows of A each, and of 16 columns of B each.</summary>
public struct TensorFragments
{
    public U4 A0, A1, A2, A3, B0, B1, B2, B3;
}

/// <summary>A warp's part of C in registers.</summary>
public interface ITensorBlock<TElement>
    where TElement : struct, ITensorElement
{
    static abstract int Rows { get; }

    static abstract int Columns { get; }

    /// <summary>C += A B over 16 elements of K. Fragments past the block's rows and columns are not looked at.</summary>
    void Add(in TensorFragments f);

    /// <summary>The first eight columns of the rows from <paramref name="row"/> on, 0, 16, 32 or 48.</summary>
    F4 First(int row);

    /// <summary>Every eight columns become the next ones.</summary>
    void MoveLeft();
}

/// <summary>16 rows of such a part.</summary>
public interface ITensorRow<TElement>
    where TElement : struct, ITensorElement
{
    static abstract int Columns { get; }

    /// <summary>The first eight columns.</summary>
    F4 First { get; }

    void Add(U4 a, in TensorFragments f);

    /// <summary>Every eight columns become the next ones, the last ones <paramref name="last"/>.</summary>
    void MoveLeft(F4 last);
}

/// <summary>64 rows.</summary>
public struct FourRows<TElement, TRow> : ITensorBlock<TElement>
    where TElement : struct, ITensorElement
    where TRow : struct, ITensorRow<TElement>
{
    public TRow R0, R1, R2, R3;

    public static int Rows => 64;

    public static int Columns => TRow.Columns;

    public void Add(in TensorFragments f)
    {
        R0.Add(f.A0, f);
        R1.Add(f.A1, f);
        R2.Add(f.A2, f);
        R3.Add(f.A3, f);
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
public struct TwoRows<TElement, TRow> : ITensorBlock<TElement>
    where TElement : struct, ITensorElement
    where TRow : struct, ITensorRow<TElement>
{
    public TRow R0, R1;

    public static int Rows => 32;

    public static int Columns => TRow.Columns;

    public void Add(in TensorFragments f)
    {
        R0.Add(f.A0, f);
        R1.Add(f.A1, f);
    }

    public readonly F4 First(int row) => row == 0 ? R0.First : R1.First;

    public void MoveLeft()
    {
        R0.MoveLeft(default);
        R1.MoveLeft(default);
    }
}

/// <summary>16 x 32 elements: the accumulators of four products.</summary>
public struct TensorRow32<TElement> : ITensorRow<TElement>
    where TElement : struct, ITensorElement
{
    /// <summary>8 columns each.</summary>
    private F4 c0, c1, c2, c3;

    public static int Columns => 32;

    public readonly F4 First => c0;

    public void Add(U4 a, in TensorFragments f) => Add(a, f.B0, f.B1);

    public void Add(U4 a, U4 left, U4 right)
    {
        c0 = TElement.Multiply(c0, a, left.X, left.Y);
        c1 = TElement.Multiply(c1, a, left.Z, left.W);
        c2 = TElement.Multiply(c2, a, right.X, right.Y);
        c3 = TElement.Multiply(c3, a, right.Z, right.W);
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
public struct TensorRow64<TElement> : ITensorRow<TElement>
    where TElement : struct, ITensorElement
{
    private TensorRow32<TElement> left, right;

    public static int Columns => 64;

    public readonly F4 First => left.First;

    public void Add(U4 a, in TensorFragments f)
    {
        left.Add(a, f.B0, f.B1);
        right.Add(a, f.B2, f.B3);
    }

    public void MoveLeft(F4 last)
    {
        left.MoveLeft(right.First);
        right.MoveLeft(last);
    }
}
