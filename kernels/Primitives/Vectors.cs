using ILGPU;

namespace AttnKernels.Kernels;

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

    public void Scale(float a)
    {
        X *= a;
        Y *= a;
        Z *= a;
        W *= a;
    }

    public readonly float Dot(F4 other) => X * other.X + Y * other.Y + Z * other.Z + W * other.W;
}

/// <summary>Four 16-bit patterns, moved by one 64-bit load or store.</summary>
public struct U16x4
{
    public ushort X, Y, Z, W;
}

/// <summary>128-bit access to arrays of floats in shared memory; the offset, in floats, is a multiple of 4.</summary>
public static class SharedVector
{
    public static F4 LoadF4(this ArrayView<float> view, int offset) => view.Cast<F4>()[offset >> 2];

    public static void StoreF4(this ArrayView<float> view, int offset, F4 value) => view.Cast<F4>()[offset >> 2] = value;
}
