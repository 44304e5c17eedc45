using ILGPU;

namespace AttnKernels.Kernels;

/// <summary>A key is visible where its document is the query's.</summary>
public struct DocumentMask
{
    /// <summary>(batch, seqQ) and (batch, seqKv); a batch stride may be 0.</summary>
    public ArrayView<int> Q, Kv;
    public long QOffset, QBatchStride, KvOffset, KvBatchStride;
    public int IsPresent;

    public readonly void Hide(ref F4 s, in ScoreRow row, I4 keys)
    {
        int id = Q[QOffset + row.B * QBatchStride + row.I];
        long kv = KvOffset + row.B * KvBatchStride;
        s.Hide(Kv[kv + keys.X] != id, Kv[kv + keys.Y] != id, Kv[kv + keys.Z] != id, Kv[kv + keys.W] != id);
    }

    /// <summary>Decided by the ranges of the ids, which are apart where documents follow one another.</summary>
    public readonly bool HidesTile(int b, int i, int iLast, int j, int jLast)
    {
        long q = QOffset + b * QBatchStride;
        long kv = KvOffset + b * KvBatchStride;
        int qMin = Q[q + i], qMax = qMin;
        int kvMin = Kv[kv + j], kvMax = kvMin;
        for (int n = i + 1; n <= iLast; n++)
        {
            int id = Q[q + n];
            qMin = Math.Min(qMin, id);
            qMax = Math.Max(qMax, id);
        }
        for (int n = j + 1; n <= jLast; n++)
        {
            int id = Kv[kv + n];
            kvMin = Math.Min(kvMin, id);
            kvMax = Math.Max(kvMax, id);
        }
        return qMax < kvMin || kvMax < qMin;
    }
}

/// <summary>A mask with one byte for each block of QueryBlock x KeyBlock pairs; 0 hides the block.</summary>
public struct BlockMask
{
    public ArrayView<byte> Mask;
    public BroadcastStrides At;

    /// <summary>Queries and keys of a block; 0 = no mask.</summary>
    public int QueryBlock, KeyBlock;

    public readonly void Hide(ref F4 s, in ScoreRow row, I4 keys)
    {
        long first = At.Index(row.B, row.H, row.I / QueryBlock, 0);
        s.Hide(Hides(first, keys.X), Hides(first, keys.Y), Hides(first, keys.Z), Hides(first, keys.W));
    }

    private readonly bool Hides(long row, int j) => Mask[row + j / KeyBlock * At.ColumnStride] == 0;

    public readonly bool HidesTile(int b, int h, int heads, int i, int iLast, int j, int jLast)
    {
        for (int head = h; head < h + heads; head++)
        {
            if (!HidesTile(b, head, i, iLast, j, jLast)) return false;
        }
        return true;
    }

    private readonly bool HidesTile(int b, int h, int i, int iLast, int j, int jLast)
    {
        for (int row = i / QueryBlock; row <= iLast / QueryBlock; row++)
        {
            for (int column = j / KeyBlock; column <= jLast / KeyBlock; column++)
            {
                if (Mask[At.Index(b, h, row, column)] != 0) return false;
            }
        }
        return true;
    }
}
