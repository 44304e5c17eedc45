namespace AttnKernels.Simd;

/// <summary>Whether documents and blocks hide a whole tile of pairs, so that it need not be computed.</summary>
internal static unsafe class TileMask
{
    /// <summary>True only where no query of [query, queryLast] of any of the heads sees a key of [key, keyEnd).</summary>
    public static bool Hides(in ScoreArgs rules, int batch, int firstHead, int heads, int query, int queryLast, int key, int keyEnd) =>
        (rules.DocumentsQ != null && AreDocumentsApart(rules, batch, query, queryLast, key, keyEnd))
        || (rules.Blocks.Data != null && AreBlocksHidden(rules, batch, firstHead, heads, query, queryLast, key, keyEnd));

    /// <summary>Decided by the ranges of the ids, which are apart where documents follow one another.</summary>
    private static bool AreDocumentsApart(in ScoreArgs rules, int batch, int query, int queryLast, int key, int keyEnd)
    {
        int* q = rules.DocumentsQ + batch * rules.DocumentsQStride;
        int* kv = rules.DocumentsKv + batch * rules.DocumentsKvStride;
        Range(q + query, queryLast + 1 - query, out int qMin, out int qMax);
        Range(kv + key, keyEnd - key, out int kvMin, out int kvMax);
        return qMax < kvMin || kvMax < qMin;
    }

    private static void Range(int* ids, int count, out int min, out int max)
    {
        min = max = ids[0];
        for (int n = 1; n < count; n++)
        {
            min = Math.Min(min, ids[n]);
            max = Math.Max(max, ids[n]);
        }
    }

    private static bool AreBlocksHidden(
        in ScoreArgs rules, int batch, int firstHead, int heads, int query, int queryLast, int key, int keyEnd)
    {
        for (int head = firstHead; head < firstHead + heads; head++)
        {
            for (int row = query / rules.QueryBlock; row <= queryLast / rules.QueryBlock; row++)
            {
                byte* mask = rules.BlockRow(batch, head, row * rules.QueryBlock);
                for (int column = key / rules.KeyBlock; column <= (keyEnd - 1) / rules.KeyBlock; column++)
                {
                    if (mask[column * rules.Blocks.ColumnStride] != 0) return false;
                }
            }
        }

        return true;
    }
}
