using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>
/// Which axis of a matmul's operand a tile in shared memory runs along: the one that is contiguous in memory is copied whole and fast, any
/// other is gathered. An operand is (outer, k); outer is M for A and N for B.
/// </summary>
public interface ITensorOperand : ITileOrder
{
    /// <summary>Whether rows run along k.</summary>
    static abstract bool IsAlongK { get; }

    /// <summary>Chunks of 16 bytes in a row of the tile of a step, <paramref name="outers"/> wide.</summary>
    static abstract int Chunks(int outers);

    /// <summary>The tile as a warp sees it that reads A from <paramref name="outer"/> on.</summary>
    static abstract LaneTile Rows(ArrayView<U4> sTile, int outers, int outer);

    /// <summary>The tile as a warp sees it that reads B from <paramref name="outer"/> on.</summary>
    static abstract LaneTile Columns(ArrayView<U4> sTile, int outers, int outer);

    /// <summary>
    /// A's fragment from <paramref name="outer"/>, a multiple of 16, and chunk <paramref name="chunk"/>, an even one, of a step's k on.
    /// </summary>
    static abstract U4 FragmentOfA(in LaneTile tile, int outer, int chunk);

    /// <summary>The two fragments of B from there on.</summary>
    static abstract U4 FragmentsOfB(in LaneTile tile, int outer, int chunk);
}

/// <summary>Rows along k: [outer][k of a step], as a row-major A lies.</summary>
public readonly struct AlongK : ITensorOperand
{
    public static bool IsAlongK => true;

    public static int Chunks(int outers) => TensorMatmulSteps.Chunks;

    public static int Index(int row, int chunk, int chunks) => SwizzledTile.Index(row, chunk, chunks);

    public static LaneTile Rows(ArrayView<U4> sTile, int outers, int outer) => LaneTile.ByRows(sTile, Chunks(outers)).From(outer);

    public static LaneTile Columns(ArrayView<U4> sTile, int outers, int outer) => LaneTile.ByColumns(sTile, Chunks(outers)).From(outer);

    public static U4 FragmentOfA(in LaneTile tile, int outer, int chunk) => tile.Load(outer, chunk);

    public static U4 FragmentsOfB(in LaneTile tile, int outer, int chunk) => tile.Load(outer, chunk);
}

/// <summary>
/// 16-bit rows along the outer axis: [k of a step][outer], as a row-major B lies; fragments are transposed while they are loaded.
/// </summary>
public readonly struct AlongOuter : ITensorOperand
{
    public static bool IsAlongK => false;

    public static int Chunks(int outers) => outers / 8;

    public static int Index(int row, int chunk, int chunks) => SwizzledTile.Index(row, chunk, chunks);

    public static LaneTile Rows(ArrayView<U4> sTile, int outers, int outer) =>
        LaneTile.ByColumns(sTile, Chunks(outers)).FromChunk(outer / 8);

    public static LaneTile Columns(ArrayView<U4> sTile, int outers, int outer) =>
        LaneTile.ByRows(sTile, Chunks(outers)).FromChunk(outer / 8);

    public static U4 FragmentOfA(in LaneTile tile, int outer, int chunk) => tile.LoadTransposed(8 * chunk, outer / 8);

    public static U4 FragmentsOfB(in LaneTile tile, int outer, int chunk) => tile.LoadTransposed(8 * chunk, outer / 8);
}

/// <summary>32-bit rows along the outer axis, which no load transposes: fragments are loaded element by element.</summary>
public readonly struct WordsAlongOuter : ITensorOperand
{
    public static bool IsAlongK => false;

    public static int Chunks(int outers) => outers / 4;

    public static int Index(int row, int chunk, int chunks) => WordOrder.Index(row, chunk, chunks);

    public static LaneTile Rows(ArrayView<U4> sTile, int outers, int outer) => LaneTile.ByWords(sTile, Chunks(outers)).FromChunk(outer / 4);

    public static LaneTile Columns(ArrayView<U4> sTile, int outers, int outer) => Rows(sTile, outers, outer);

    public static U4 FragmentOfA(in LaneTile tile, int outer, int chunk)
    {
        U4 b = FragmentsOfB(tile, outer, chunk);
        return new U4(b.X, b.Z, b.Y, b.W); // A counts its rows first, B its k
    }

    public static U4 FragmentsOfB(in LaneTile tile, int outer, int chunk) => tile.LoadWords(4 * chunk, outer / 4);
}

/// <summary>
/// Chunk c of row r at c ^ 2 (r mod 4), in rows of eight chunks or more: eight neighbouring columns of four neighbouring rows fill the
/// banks once.
/// </summary>
public readonly struct WordOrder : ITileOrder
{
    public static int Index(int row, int chunk, int chunks) => row * chunks + (chunk ^ 2 * (row & 3));
}
