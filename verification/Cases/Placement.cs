namespace AttnKernels.Verification;

/// <summary>
/// How a rank-4 tensor lies in memory: the order of its axes, outermost first, and how many elements follow each line of the innermost.
/// </summary>
/// <param name="Name">For the names of cases.</param>
/// <param name="Order">Memory axis n is logical axis Order[n].</param>
/// <param name="Padding">Elements between two lines of the innermost axis.</param>
public sealed record Placement(string Name, int[] Order, int Padding = 0)
{
    /// <summary>(batch, head, seq, dim), dense.</summary>
    public static Placement Dense { get; } = new("bhsd", [0, 1, 2, 3]);

    /// <summary>Dense lines with a gap after each that no vector load is aligned to.</summary>
    public static Placement OddLines { get; } = new("bhsd+3", [0, 1, 2, 3], 3);

    /// <summary>Dense lines with a gap that keeps vectors of four elements aligned, but not chunks of eight 16-bit ones.</summary>
    public static Placement QuadLines { get; } = new("bhsd+4", [0, 1, 2, 3], 4);

    /// <summary>Dense lines with a gap that keeps 16-byte alignment.</summary>
    public static Placement PaddedLines { get; } = new("bhsd+8", [0, 1, 2, 3], 8);

    /// <summary>(batch, seq, head, dim).</summary>
    public static Placement SequenceFirst { get; } = new("bshd", [0, 2, 1, 3]);

    /// <summary>(seq, batch, head, dim).</summary>
    public static Placement TimeMajor { get; } = new("sbhd", [2, 0, 1, 3]);

    /// <summary>Columns outside rows: for matrices, whose strides are free.</summary>
    public static Placement ColumnMajor { get; } = new("bhds+1", [0, 1, 3, 2], 1);

    /// <summary>The layouts that every operation takes (last axis contiguous).</summary>
    public static IReadOnlyList<Placement> Rows { get; } = [Dense, SequenceFirst, OddLines, PaddedLines, TimeMajor];
}
