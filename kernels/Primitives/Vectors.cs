using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>Two floats, moved by one 64-bit load or store.</summary>
public struct F2
{
    public float X, Y;

    public F2(float x, float y)
    {
        X = x;
        Y = y;
    }
}

/// <summary>
/// Four floats, moved by one 128-bit load or store. A register tile is a struct of these: arrays would live in local memory.
/// </summary>
public struct F4
{
    public float X, Y, Z, W;

    public F4(float x, float y, float z, float w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    /// <summary>this += a * b.</summary>
    public void Fma(float a, F4 b)
    {
        X += a * b.X;
        Y += a * b.Y;
        Z += a * b.Z;
        W += a * b.W;
    }

    public void Add(F4 other)
    {
        X += other.X;
        Y += other.Y;
        Z += other.Z;
        W += other.W;
    }

    public void Scale(float a)
    {
        X *= a;
        Y *= a;
        Z *= a;
        W *= a;
    }

    /// <summary>Minus infinity where hidden.</summary>
    public void Hide(bool x, bool y, bool z, bool w)
    {
        if (x) X = float.NegativeInfinity;
        if (y) Y = float.NegativeInfinity;
        if (z) Z = float.NegativeInfinity;
        if (w) W = float.NegativeInfinity;
    }

    /// <summary>sum + this . other, as four multiply-adds.</summary>
    public readonly float Dot(F4 other, float sum)
    {
        sum += X * other.X;
        sum += Y * other.Y;
        sum += Z * other.Z;
        sum += W * other.W;
        return sum;
    }
}

/// <summary>Four indices.</summary>
public struct I4
{
    public int X, Y, Z, W;

    public I4(int x, int y, int z, int w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }
}

/// <summary>Eight floats: what one 128-bit load of 16-bit elements widens to.</summary>
public struct F8
{
    public F4 Low, High;

    /// <summary>this += a * b.</summary>
    public void Fma(float a, in F8 b)
    {
        Low.Fma(a, b.Low);
        High.Fma(a, b.High);
    }
}

/// <summary>Eight elements of each of four rows.</summary>
public struct F8x4
{
    public F8 A, B, C, D;
}

/// <summary>Four 32-bit patterns, moved by one 128-bit load: eight elements of 16 bits, the lower half first.</summary>
public struct U32x4
{
    public uint X, Y, Z, W;
}

/// <summary>Two 32-bit patterns, moved by one 64-bit load: eight 8-bit integers.</summary>
public struct U32x2
{
    public uint X, Y;
}

/// <summary>Four 16-bit patterns, moved by one 64-bit load or store.</summary>
public struct U16x4
{
    public ushort X, Y, Z, W;
}

/// <summary>
/// Access to shared memory. Arrays are declared as <see cref="F4"/>, which is what lets the compiler move 128 bits at once, and are seen
/// as floats where single ones are written.
/// </summary>
public static class SharedVector
{
    /// <summary>The view from an element on. Constant offsets into it become part of the load and store instructions.</summary>
    public static ArrayView<T> From<T>(this ArrayView<T> view, int offset)
        where T : unmanaged => view.SubView(offset, view.Length - offset);

    /// <inheritdoc cref="From{T}(ArrayView{T}, int)"/>
    public static ArrayView<T> From<T>(this ArrayView<T> view, long offset)
        where T : unmanaged => view.SubView(offset, view.Length - offset);

    /// <summary>Four floats from a multiple of 4 on.</summary>
    public static F4 LoadF4(this ArrayView<float> view, int offset) => view.Cast<F4>()[offset >> 2];

    public static void StoreF4(this ArrayView<float> view, int offset, F4 value) => view.Cast<F4>()[offset >> 2] = value;

    /// <summary>The same memory as floats, from a float on.</summary>
    public static ArrayView<float> Floats(this ArrayView<F4> view, int offset) => view.Cast<float>().From(offset);
}
