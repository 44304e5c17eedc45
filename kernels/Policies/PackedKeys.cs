using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Sequences one after the other without padding: the rows of batch entry b are Starts[b] .. Starts[b + 1] - 1. Starts that decrease or lie
/// outside are clamped: the host refuses them where it can see them.
/// </summary>
public struct SequenceStarts
{
    /// <summary>(batch + 1) each, read where <see cref="HasQ"/> and <see cref="HasKv"/> are 1.</summary>
    public ArrayView<int> Q, Kv;
    public long QOffset, KvOffset;
    public int HasQ, HasKv, TotalQ, TotalKv;

    public readonly void Narrow(ref FlashPosition at, ref KeyPlace place)
    {
        if (HasQ != 0)
        {
            at.QueryRow = Clamp(Q[QOffset + at.B], 0, TotalQ);
            at.SeqQ = Clamp(Q[QOffset + at.B + 1] - at.QueryRow, 0, Math.Min(at.SeqQ, TotalQ - at.QueryRow));
        }
        if (HasKv != 0)
        {
            place.Row = Clamp(Kv[KvOffset + at.B], 0, TotalKv);
            at.KeyLength = Clamp(Kv[KvOffset + at.B + 1] - place.Row, 0, Math.Min(at.KeyLength, TotalKv - place.Row));
        }
    }

    private static int Clamp(int value, int min, int max) => Math.Max(min, Math.Min(value, max));
}

/// <summary>
/// K and V of the problem's own type, packed or not, with packed queries: the rows of plain keys, from a sequence's first one on.
/// </summary>
public struct PackedKeys<T, TElement> : IKeyTiles
    where T : unmanaged
    where TElement : struct, IElement<T>
{
    public PlainKeys<T, TElement> Rows;
    public SequenceStarts Starts;

    public static bool HasSequences => true;

    public static bool HasVectors => false;

    public readonly GeneralKeys General => default;

    public static bool IsStrided => true;

    public readonly TileRows KeyTiles<TStored>(in KeyPlace place)
        where TStored : unmanaged => From(Rows.KeyTiles<TStored>(place), place.Row);

    public readonly TileRows ValueTiles<TStored>(in KeyPlace place)
        where TStored : unmanaged => From(Rows.ValueTiles<TStored>(place), place.Row);

    public readonly int Block(in KeyPlace place, int j) => 0;

    public readonly int Find(in KeyPlace place, int j, int block, ref int row) => 0;

    public readonly void Narrow(ref FlashPosition at, ref KeyPlace place, int written)
    {
        Starts.Narrow(ref at, ref place);
        place.K += place.Row * Rows.K.RowStride;
        place.V += place.Row * Rows.V.RowStride;
    }

    public readonly KeyPlace Place(int b, int headKv) => Rows.Place(b, headKv);

    public readonly void LoadKeys(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Rows.LoadKeys(place, row0, rows, firstRow, endRow, column, columns, paddedColumns, sTile, stride);

    public readonly void LoadValues(
        in KeyPlace place, int row0, int rows, int firstRow, int endRow, int column, int columns, int paddedColumns,
        ArrayView<F4> sTile, int stride) =>
        Rows.LoadValues(place, row0, rows, firstRow, endRow, column, columns, paddedColumns, sTile, stride);

    private static TileRows From(TileRows rows, int row)
    {
        rows.Start += row * rows.RowStride;
        return rows;
    }
}
