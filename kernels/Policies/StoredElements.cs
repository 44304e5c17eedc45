using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>Rows of Q or K as they are stored, from a first one on, an element at a time.</summary>
public interface IStoredElements
{
    float Element(int row, int column);
}

/// <summary>Queries of one head.</summary>
public struct QueryElements<T, TElement> : IStoredElements
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public HeadView<T> Q;

    /// <summary>Elements in front of row 0.</summary>
    public long First;

    public readonly float Element(int row, int column) => TElement.Load(Q.Data[First + row * Q.RowStride + column]);
}

/// <summary>Keys of one head.</summary>
public struct KeyElements : IStoredElements
{
    public GeneralKeys Keys;
    public KeyPlace Place;

    /// <summary>The key that is row 0.</summary>
    public int First;

    public readonly float Element(int row, int column) => Keys.KeyElement(Place, First + row, column);
}

/// <summary>The rows of a tile of queries and of a tile of keys that are there.</summary>
public struct TilePair
{
    /// <summary>The first query, and the end of the tile's rows that are there.</summary>
    public int I0, EndQ;

    /// <summary>The first key, and the tile's rows that are there.</summary>
    public int J0, FirstK, EndK;
}
