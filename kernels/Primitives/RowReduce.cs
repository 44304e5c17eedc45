using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Reductions of the 16 partial values that the lanes of a row left in shared memory; every lane of the row reads them all. One barrier
/// instead of four shuffles, and OpenCL has no shuffles.
/// </summary>
public static class RowReduce
{
    public static float Max(ArrayView<F4> sRow)
    {
        F4 a = sRow[0];
        F4 b = sRow[1];
        F4 c = sRow[2];
        F4 d = sRow[3];
        return SpecialMath.Max(SpecialMath.Max(Max(a), Max(b)), SpecialMath.Max(Max(c), Max(d)));
    }

    public static float Sum(ArrayView<F4> sRow)
    {
        F4 a = sRow[0];
        F4 b = sRow[1];
        F4 c = sRow[2];
        F4 d = sRow[3];
        return (Sum(a) + Sum(b)) + (Sum(c) + Sum(d));
    }

    public static float Max(F4 v) => SpecialMath.Max(SpecialMath.Max(v.X, v.Y), SpecialMath.Max(v.Z, v.W));

    private static float Sum(F4 v) => (v.X + v.Y) + (v.Z + v.W);
}
