using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// The query rows of a lane of FlashDecode, all in registers: a part of each row's dot product, then eight columns of each row's O.
/// </summary>
public interface IDecodeRows
{
    /// <summary>How many rows.</summary>
    static abstract int Count { get; }

    /// <summary>dot = 0.</summary>
    void ClearDots();

    /// <summary>dot += q . k for eight elements of each row of sQ.</summary>
    void AddDots(ArrayView<float> sQ, int offset, int stride, in F8 k);

    /// <summary>Writes the dots of the rows <paramref name="stride"/> apart.</summary>
    void StoreDots(ArrayView<float> sPart, int offset, int stride);

    /// <summary>O += P V for four keys, whose weights lie side by side; a weight of 0 hides its value.</summary>
    void AddValues(ArrayView<float> sP, int offset, int stride, in F8 v0, in F8 v1, in F8 v2, in F8 v3);

    /// <summary>Writes the lower four columns of each row, and the upper four <paramref name="half"/> behind them.</summary>
    void StoreO(ArrayView<float> sPart, int offset, int stride, int half);
}

/// <summary>One row.</summary>
public struct DecodeRow : IDecodeRows
{
    private float dot;
    private F8 o;

    public static int Count => 1;

    public void ClearDots() => dot = 0f;

    public void AddDots(ArrayView<float> sQ, int offset, int stride, in F8 k) =>
        dot = sQ.LoadF4(offset + 4).Dot(k.High, sQ.LoadF4(offset).Dot(k.Low, dot));

    public void StoreDots(ArrayView<float> sPart, int offset, int stride) => sPart[offset] = dot;

    public void AddValues(ArrayView<float> sP, int offset, int stride, in F8 v0, in F8 v1, in F8 v2, in F8 v3)
    {
        F4 p = sP.LoadF4(offset);
        if (p.X != 0f) o.Fma(p.X, v0);
        if (p.Y != 0f) o.Fma(p.Y, v1);
        if (p.Z != 0f) o.Fma(p.Z, v2);
        if (p.W != 0f) o.Fma(p.W, v3);
    }

    public void StoreO(ArrayView<float> sPart, int offset, int stride, int half)
    {
        sPart.StoreF4(offset, o.Low);
        sPart.StoreF4(offset + half, o.High);
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

    public void AddDots(ArrayView<float> sQ, int offset, int stride, in F8 k)
    {
        First.AddDots(sQ, offset, stride, k);
        Second.AddDots(sQ, offset + THalf.Count * stride, stride, k);
    }

    public void StoreDots(ArrayView<float> sPart, int offset, int stride)
    {
        First.StoreDots(sPart, offset, stride);
        Second.StoreDots(sPart, offset + THalf.Count * stride, stride);
    }

    public void AddValues(ArrayView<float> sP, int offset, int stride, in F8 v0, in F8 v1, in F8 v2, in F8 v3)
    {
        First.AddValues(sP, offset, stride, v0, v1, v2, v3);
        Second.AddValues(sP, offset + THalf.Count * stride, stride, v0, v1, v2, v3);
    }

    public void StoreO(ArrayView<float> sPart, int offset, int stride, int half)
    {
        First.StoreO(sPart, offset, stride, half);
        Second.StoreO(sPart, offset + THalf.Count * stride, stride, half);
    }
}
