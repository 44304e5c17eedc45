namespace AttnKernels.Kernels;

/// <summary>A lane's 8 x 8 part of C: rows 0..3 and 4..7 as two blocks of four, each row as two vectors. 64 registers.</summary>
public struct MatmulAccumulator
{
    public MatmulQuad Upper, Lower;

    /// <summary>C += a b^T for one k: 64 multiply-adds from four 128-bit loads.</summary>
    public void Add<TMultiply>(F4 aUpper, F4 aLower, F4 bLeft, F4 bRight)
        where TMultiply : struct, IMultiply
    {
        Upper.Add<TMultiply>(aUpper, bLeft, bRight);
        Lower.Add<TMultiply>(aLower, bLeft, bRight);
    }

    /// <summary>Every row becomes the next one.</summary>
    public void MoveUp()
    {
        Upper.R0 = Upper.R1;
        Upper.R1 = Upper.R2;
        Upper.R2 = Upper.R3;
        Upper.R3 = Lower.R0;
        Lower.R0 = Lower.R1;
        Lower.R1 = Lower.R2;
        Lower.R2 = Lower.R3;
    }
}

/// <summary>Four rows of eight columns.</summary>
public struct MatmulQuad
{
    public MatmulRow R0, R1, R2, R3;

    public void Add<TMultiply>(F4 a, F4 bLeft, F4 bRight)
        where TMultiply : struct, IMultiply
    {
        R0.Add<TMultiply>(a.X, bLeft, bRight);
        R1.Add<TMultiply>(a.Y, bLeft, bRight);
        R2.Add<TMultiply>(a.Z, bLeft, bRight);
        R3.Add<TMultiply>(a.W, bLeft, bRight);
    }
}

/// <summary>One row: four columns on the left half of the tile, four on the right.</summary>
public struct MatmulRow
{
    public F4 Left, Right;

    public void Add<TMultiply>(float a, F4 bLeft, F4 bRight)
        where TMultiply : struct, IMultiply
    {
        if (TMultiply.ZeroHides && a == 0f) return;
        Left.Fma(a, bLeft);
        Right.Fma(a, bRight);
    }
}
