namespace AttnKernels.Kernels;

/// <summary>
/// Four 32-bit registers of a lane: an A fragment (16 x 16) of <see cref="TensorCore"/>'s products, or two B fragments (16 x 8) beside each
/// other, (X, Y) and (Z, W). In memory: 16 bytes, moved by one load or store.
/// </summary>
public struct U4
{
    public uint X, Y, Z, W;

    public U4(uint x, uint y, uint z, uint w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }
}

/// <summary>Two 32-bit registers of a lane: a B fragment (16 x 8) of <see cref="TensorCore"/>'s products.</summary>
public struct U2
{
    public uint X, Y;

    public U2(uint x, uint y)
    {
        X = x;
        Y = y;
    }
}

/// <summary>A fragment as products take it: as it is, with no small part, or as two parts that add up to it.</summary>
public struct TensorOperand
{
    public U4 Big, Small;
}
