namespace AttnKernels.Kernels;

/// <summary>How the lanes of a softmax group share its rows; both are powers of two.</summary>
public interface ISoftmaxTile
{
    /// <summary>Lanes of one row.</summary>
    static abstract int Lanes { get; }

    /// <summary>Rows of a group.</summary>
    static abstract int Rows { get; }
}

/// <summary>Sizes derived from an <see cref="ISoftmaxTile"/>.</summary>
public static class SoftmaxTile<TTile>
    where TTile : struct, ISoftmaxTile
{
    public static int GroupSize => TTile.Lanes * TTile.Rows;

    public static int SharedBytes => 2 * GroupSize * sizeof(float);
}

/// <summary>A group a row, for long rows: 256 lanes keep 4 KB of loads in flight.</summary>
public readonly struct SoftmaxTileLong : ISoftmaxTile
{
    public static int Lanes => 256;

    public static int Rows => 1;
}

/// <summary>16 rows a group, for rows too short to feed 256 lanes: 16 lanes read 64 elements at once.</summary>
public readonly struct SoftmaxTileShort : ISoftmaxTile
{
    public static int Lanes => 16;

    public static int Rows => 16;
}
