namespace AttnKernels.Bench.Peers;

/// <summary>The sizes of an attention problem and where its (batch, head, row) blocks lie in contiguous tensors.</summary>
internal readonly record struct AttentionShape(int Batch, int HeadsQ, int HeadsKv, int SeqQ, int SeqKv, int Dim, int DimV, float Scale)
{
    /// <summary>Query rows that one task of a blocked peer computes.</summary>
    public const int BlockRows = 64;

    public static AttentionShape Of(AttentionProblem p) =>
        new(p.Batch, p.HeadsQ, p.HeadsKv, p.SeqQ, p.SeqKv, p.HeadDim, p.HeadDimV, p.EffectiveScale);

    /// <summary>Row blocks of one head.</summary>
    public int Blocks => (SeqQ + BlockRows - 1) / BlockRows;

    /// <summary>Tasks of the whole problem: one row block of one head each.</summary>
    public int Tasks => Batch * HeadsQ * Blocks;

    /// <summary>The (batch * headsQ) index, first row and row count of a task; the longest rows of a causal mask come first.</summary>
    public (int Head, int FirstRow, int Rows) Task(int index)
    {
        int head = index % (Batch * HeadsQ);
        int block = Blocks - 1 - index / (Batch * HeadsQ);
        int first = block * BlockRows;
        return (head, first, Math.Min(BlockRows, SeqQ - first));
    }

    /// <summary>The (batch * headsKv) index that query head <paramref name="head"/> (batch * headsQ) reads.</summary>
    public int KvHead(int head) => head / HeadsQ * HeadsKv + head % HeadsQ / (HeadsQ / HeadsKv);

    public long QueryOffset(int head, int row) => ((long)head * SeqQ + row) * Dim;

    public long KeyOffset(int kvHead, int row) => ((long)kvHead * SeqKv + row) * Dim;

    public long ValueOffset(int kvHead, int row) => ((long)kvHead * SeqKv + row) * DimV;

    public long OutputOffset(int head, int row) => ((long)head * SeqQ + row) * DimV;
}
