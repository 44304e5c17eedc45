namespace AttnKernels.Kernels;

/// <summary>A warp's part of C, 64 x 32 in registers: four fragments of A meet two pairs of fragments of B.</summary>
public struct TensorBlock<TElement>
    where TElement : struct, ITensorElement
{
    public const int Rows = 64, Columns = 32;

    public TensorRow<TElement> R0, R1, R2, R3;

    /// <summary>C += A B over 16 elements of K: a0 .. a3 are 16 rows each, left and right 16 columns each.</summary>
    public void Add(U4 a0, U4 a1, U4 a2, U4 a3, U4 left, U4 right)
    {
        R0.Add(a0, left, right);
        R1.Add(a1, left, right);
        R2.Add(a2, left, right);
        R3.Add(a3, left, right);
    }

    /// <summary>Every eight columns become the next ones.</summary>
    public void MoveLeft()
    {
        R0.MoveLeft();
        R1.MoveLeft();
        R2.MoveLeft();
        R3.MoveLeft();
    }
}

/// <summary>16 x 32 elements: the accumulators of four products.</summary>
public struct TensorRow<TElement>
    where TElement : struct, ITensorElement
{
    /// <summary>8 columns each.</summary>
    public F4 C0, C1, C2, C3;

    public void Add(U4 a, U4 left, U4 right)
    {
        C0 = TElement.Multiply(C0, a, left.X, left.Y);
        C1 = TElement.Multiply(C1, a, left.Z, left.W);
        C2 = TElement.Multiply(C2, a, right.X, right.Y);
        C3 = TElement.Multiply(C3, a, right.Z, right.W);
    }

    public void MoveLeft()
    {
        C0 = C1;
        C1 = C2;
        C2 = C3;
    }
}
