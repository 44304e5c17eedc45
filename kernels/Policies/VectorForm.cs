using ILGPU;
using ILGPU.Algorithms;

namespace AttnKernels.Kernels;

/// <summary>
/// What happens to the rows of Q and K in shared memory before the dot product: the first RotaryDim elements turn by the angles of the
/// row's position (rotary embedding, see <see cref="RotaryEmbedding{T, TElement}"/>), and rows are divided by their length (cosine
/// similarity). A position outside the table gives NaN.
/// </summary>
public struct VectorForm
{
    /// <summary>fp32 (MaxPosition, RotaryDim / 2).</summary>
    public ArrayView<float> Cos, Sin;
    public long CosOffset, CosStride, SinOffset, SinStride;

    /// <summary>
    /// (batch, rows) each, read where <see cref="HasPositions"/> is 1; else a key's position is its index, a query's that of its aligned
    /// key.
    /// </summary>
    public ArrayView<int> PositionsQ, PositionsKv;
    public long QOffset, QBatchStride, KvOffset, KvBatchStride;

    /// <summary><see cref="RotaryDim"/> is 0 where nothing turns.</summary>
    public int HasPositions, MaxPosition, RotaryDim, IsInterleaved, IsCosine;

    private const int LanesPerRow = 32;

    public readonly int IsPresent => IsCosine | RotaryDim;

    /// <summary>
    /// Queries i0 .. i0+rows-1 in <paramref name="sTile"/> [rows][stride], with the factors that <see cref="Measure"/> left in sRow.
    /// </summary>
    public readonly void ApplyToQueries(
        in FlashPosition at, int i0, int rows, int columns, ArrayView<F4> sTile, int stride, ArrayView<F4> sRow)
    {
        Apply(OfQueries(at, i0), rows, columns, sTile, stride, sRow);
    }

    /// <summary>Keys j0 .. j0+rows-1, of which those before <paramref name="endRow"/> are there.</summary>
    public readonly void ApplyToKeys(
        in FlashPosition at, in KeyPlace place, int j0, int rows, int endRow, int columns, ArrayView<F4> sTile, int stride,
        ArrayView<F4> sRow)
    {
        Apply(OfKeys(at, place, j0, endRow), rows, columns, sTile, stride, sRow);
    }

    /// <summary>Where queries from i0 on find their positions.</summary>
    public readonly RowPositions OfQueries(in FlashPosition at, int i0) => new()
    {
        Given = PositionsQ,
        Offset = QOffset + at.B * QBatchStride + at.QueryRow,
        First = at.FirstPosition + at.Shift,
        Row0 = i0,
        Last = at.SeqQ - 1,
    };

    /// <summary>Where keys from j0 on, of which those before <paramref name="endRow"/> are there, find their positions.</summary>
    public readonly RowPositions OfKeys(in FlashPosition at, in KeyPlace place, int j0, int endRow) => new()
    {
        Given = PositionsKv,
        Offset = KvOffset + at.B * KvBatchStride + place.Row,
        First = at.FirstPosition,
        Row0 = j0,
        Last = endRow - 1,
    };

    /// <summary>
    /// 32 lanes a row, neighbouring lanes at neighbouring elements; a lane takes its element of all its rows before the next one.
    /// </summary>
    private readonly void Apply(in RowPositions positions, int rows, int columns, ArrayView<F4> sTile, int stride, ArrayView<F4> sRow)
    {
        if (IsPresent == 0) return;
        int lane = Group.IdxX & (LanesPerRow - 1);
        int firstRow = Group.IdxX / LanesPerRow;
        int rowStep = Group.DimX / LanesPerRow;
        int pairs = RotaryDim / 2;
        if (IsInterleaved != 0)
        {
            for (int d = 4 * lane; d < RotaryDim; d += 4 * LanesPerRow)
            {
                for (int r = firstRow; r < rows; r += rowStep)
                {
                    int position = Position(positions, r);
                    float factor = Factor(sRow, r);
                    F4 x = sTile[r * stride + d / 4];
                    Turn(position, d / 2, factor, ref x.X, ref x.Y);
                    if (d + 2 < RotaryDim) Turn(position, d / 2 + 1, factor, ref x.Z, ref x.W);
                    else Scale(factor, ref x.Z, ref x.W);
                    sTile[r * stride + d / 4] = x;
                }
            }
        }
        else
        {
            for (int k = lane; k < pairs; k += LanesPerRow)
            {
                for (int r = firstRow; r < rows; r += rowStep)
                {
                    ArrayView<float> row = sTile.Floats(4 * r * stride);
                    float a = row[k];
                    float b = row[k + pairs];
                    Turn(Position(positions, r), k, Factor(sRow, r), ref a, ref b);
                    row[k] = a;
                    row[k + pairs] = b;
                }
            }
        }
        if (IsCosine == 0) return;
        int rest = IsInterleaved != 0 ? (RotaryDim + 3) & ~3 : RotaryDim;
        for (int d = rest + lane; d < columns; d += LanesPerRow)
            for (int r = firstRow; r < rows; r += rowStep) sTile.Floats(4 * r * stride)[d] *= Factor(sRow, r);
    }

    /// <summary>Before rows change: sRow[r] = 1 / |row r| where rows are divided by it, a lane a row.</summary>
    public readonly void Measure(int rows, int columns, ArrayView<F4> sTile, int stride, ArrayView<F4> sRow)
    {
        if (IsCosine == 0) return;
        for (int r = Group.IdxX; r < rows; r += Group.DimX)
        {
            float squares = 0f;
            for (int d = 0; 4 * d < columns; d++)
            {
                F4 x = sTile[r * stride + d];
                squares = x.Dot(x, squares);
            }
            sRow.Floats(r)[0] = Inverse(squares);
        }
    }

    private readonly int Position(in RowPositions positions, int r)
    {
        int i = Math.Min(positions.Row0 + r, positions.Last);
        return HasPositions != 0 ? positions.Given[positions.Offset + i] : positions.First + i;
    }

    private readonly float Factor(ArrayView<F4> sRow, int r) => IsCosine != 0 ? sRow.Floats(r)[0] : 1f;

    private readonly void Turn(int position, int k, float factor, ref float a, ref float b)
    {
        Angle(position, k, out float cos, out float sin);
        float turned = a * cos - b * sin;
        b = (b * cos + a * sin) * factor;
        a = turned * factor;
    }

    private readonly void Angle(int position, int k, out float cos, out float sin)
    {
        cos = float.NaN;
        sin = float.NaN;
        if (position < 0 || position >= MaxPosition) return;
        cos = Cos[CosOffset + position * CosStride + k];
        sin = Sin[SinOffset + position * SinStride + k];
    }

    /// <summary>
    /// The same of rows that no tile holds whole: an element of a row after it has turned; the other one of its pair is loaded, too.
    /// </summary>
    public readonly float Turned<TElements>(in TElements elements, in RowPositions positions, int row, int column)
        where TElements : struct, IStoredElements
    {
        float x = elements.Element(row, column);
        if (column >= RotaryDim) return x;
        int pairs = RotaryDim / 2;
        bool isInterleaved = IsInterleaved != 0;
        bool isFirst = isInterleaved ? (column & 1) == 0 : column < pairs;
        int k = isInterleaved ? column / 2 : isFirst ? column : column - pairs;
        int step = isInterleaved ? 1 : pairs;
        float other = elements.Element(row, isFirst ? column + step : column - step);
        Angle(Position(positions, row), k, out float cos, out float sin);
        return isFirst ? x * cos - other * sin : x * cos + other * sin;
    }

    /// <summary>1 / |row| where rows are divided by it, else 1.</summary>
    public readonly float InverseLength<TElements>(in TElements elements, int row, int columns)
        where TElements : struct, IStoredElements
    {
        if (IsCosine == 0) return 1f;
        float squares = 0f;
        for (int d = 0; d < columns; d++)
        {
            float x = elements.Element(row, d);
            squares += x * x;
        }
        return Inverse(squares);
    }

    /// <summary>
    /// Columns from <paramref name="column"/> on of the rows [firstRow, endRow), as they are compared, to <paramref name="sTile"/>
    /// [..][stride]; sRow has <see cref="InverseLength"/> of each.
    /// </summary>
    public readonly void LoadTurned<TElements>(
        in TElements elements, in RowPositions positions, int firstRow, int endRow, int column, int columns,
        ArrayView<F4> sTile, int stride, ArrayView<float> sRow)
        where TElements : struct, IStoredElements
    {
        // All lanes of a row store as often: the columns to the next multiple of 32, which tiles have, become 0.
        for (int d = Group.IdxX & (LanesPerRow - 1); d < columns + (-columns & (LanesPerRow - 1)); d += LanesPerRow)
        {
            for (int r = firstRow + Group.IdxX / LanesPerRow; r < endRow; r += Group.DimX / LanesPerRow)
                sTile.Floats(4 * r * stride)[d] = d < columns ? Turned(elements, positions, r, column + d) * sRow[r] : 0f;
        }
    }

    private static float Inverse(float squares) => squares > 0f ? XMath.Rsqrt(squares) : 0f;

    private static void Scale(float factor, ref float a, ref float b)
    {
        a *= factor;
        b *= factor;
    }

    /// <summary>Where the positions of a tile's rows are: those past the last row repeat it.</summary>
    public struct RowPositions
    {
        public ArrayView<int> Given;
        public long Offset;
        public int First, Row0, Last;
    }
}
