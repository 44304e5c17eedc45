using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The query rows of a lane of FlashDecode, all in registers: parts of each row's dot products with four keys, then eight columns of each
/// row's O. Views of shared memory begin at what the first row reads or writes first.
/// </summary>
public interface IDecodeRows
{
    /// <summary>How many rows.</summary>
    static abstract int Count { get; }

    /// <summary>dots = 0.</summary>
    void ClearDots();

    /// <summary>dots += q . k for eight elements of four keys and of each row of sQ, <paramref name="stride"/> vectors apart.</summary>
    void AddDots(ArrayView<F4> sQ, int stride, in F8x4 k);

    /// <summary>
    /// Writes the dots of the four keys <paramref name="keyStride"/> apart, of the rows <paramref name="stride"/> apart.
    /// </summary>
    void StoreDots(ArrayView<float> sPart, int stride, int keyStride);

    /// <summary>O += P V for four keys, whose weights lie side by side; a weight of 0 hides its value.</summary>
    void AddValues(ArrayView<F4> sP, int stride, in F8x4 v);

    /// <summary>Writes the lower four columns of each row, and the upper four <paramref name="half"/> behind them.</summary>
    void StoreO(ArrayView<F4> sPart, int stride, int half);
}

/// <summary>One row.</summary>
public struct DecodeRow : IDecodeRows
{
    private F4 dots;
    private F8 o;

    public static int Count => 1;

    public void ClearDots() => dots = default;

    public void AddDots(ArrayView<F4> sQ, int stride, in F8x4 k)
    {
        F4 low = sQ[0];
        F4 high = sQ[1];
        dots.X = high.Dot(k.A.High, low.Dot(k.A.Low, dots.X));
        dots.Y = high.Dot(k.B.High, low.Dot(k.B.Low, dots.Y));
        dots.Z = high.Dot(k.C.High, low.Dot(k.C.Low, dots.Z));
        dots.W = high.Dot(k.D.High, low.Dot(k.D.Low, dots.W));
    }

    public void StoreDots(ArrayView<float> sPart, int stride, int keyStride)
    {
        sPart[0] = dots.X;
        sPart[keyStride] = dots.Y;
        sPart[2 * keyStride] = dots.Z;
        sPart[3 * keyStride] = dots.W;
    }

    public void AddValues(ArrayView<F4> sP, int stride, in F8x4 v)
    {
        F4 p = sP[0];
        if (p.X != 0f) o.Fma(p.X, v.A);
        if (p.Y != 0f) o.Fma(p.Y, v.B);
        if (p.Z != 0f) o.Fma(p.Z, v.C);
        if (p.W != 0f) o.Fma(p.W, v.D);
    }

    public void StoreO(ArrayView<F4> sPart, int stride, int half)
    {
        sPart[0] = o.Low;
        sPart[half] = o.High;
    }
}

/// <summary>Two halves of the rows.</summary>
public struct TwiceDecode<THalf> : IDecodeRows
    where THalf : struct, IDecodeRows
{
    public THalf First;
    public THalf Second;

    public static int Count => 2 * THalf.Count;

    public void ClearDots()
    {
        First.ClearDots();
        Second.ClearDots();
    }

    public void AddDots(ArrayView<F4> sQ, int stride, in F8x4 k)
    {
        First.AddDots(sQ, stride, k);
        Second.AddDots(sQ.From(THalf.Count * stride), stride, k);
    }

    public void StoreDots(ArrayView<float> sPart, int stride, int keyStride)
    {
        First.StoreDots(sPart, stride, keyStride);
        Second.StoreDots(sPart.From(THalf.Count * stride), stride, keyStride);
    }

    public void AddValues(ArrayView<F4> sP, int stride, in F8x4 v)
    {
        First.AddValues(sP, stride, v);
        Second.AddValues(sP.From(THalf.Count * stride), stride, v);
    }

    public void StoreO(ArrayView<F4> sPart, int stride, int half)
    {
        First.StoreO(sPart, stride, half);
        Second.StoreO(sPart.From(THalf.Count * stride), stride, half);
    }
}
