namespace AttnKernels.Simd;

/// <summary>
/// What one vector of lanes sees of a block of keys, as rows of the block: some lane sees the keys from First to End, all lanes see
/// those from WholeFirst to WholeEnd. Both ends grow with the lane, so the first and the last lane decide.
/// </summary>
internal unsafe struct LaneBand
{
    public int First;
    public int End;
    public int WholeFirst;
    public int WholeEnd;

    /// <summary>
    /// Fills <paramref name="band"/> for the tile's vectors of <paramref name="width"/> lanes; first and end become the rows of the block
    /// that any of them sees. True where some lane does not see a key that another lane of its vector sees.
    /// </summary>
    public static bool Find(in QueryTile tile, int blockKey, int width, LaneBand* band, out int first, out int end)
    {
        first = AttentionPlan.BlockKeys;
        end = 0;
        bool partial = false;
        for (int c = 0; c < tile.Vectors; c++)
        {
            int low = c * width;
            int high = low + width - 1;
            band[c].First = Math.Clamp(tile.First[low] - blockKey, 0, AttentionPlan.BlockKeys);
            band[c].End = Math.Clamp(tile.End[high] - blockKey, 0, AttentionPlan.BlockKeys);
            band[c].WholeFirst = Math.Clamp(tile.First[high] - blockKey, 0, AttentionPlan.BlockKeys);
            band[c].WholeEnd = Math.Clamp(tile.End[low] - blockKey, 0, AttentionPlan.BlockKeys);
            if (band[c].First >= band[c].End) continue;
            if (band[c].WholeFirst >= band[c].WholeEnd) band[c].WholeFirst = band[c].WholeEnd = band[c].End;
            partial |= band[c].WholeFirst > band[c].First || band[c].WholeEnd < band[c].End;
            first = Math.Min(first, band[c].First);
            end = Math.Max(end, band[c].End);
        }

        return partial;
    }

    /// <summary>
    /// The end of the longest stretch of rows from <paramref name="key"/> on that the same vectors see: those in [from, to), none if from
    /// = to.
    /// </summary>
    public static int NextStretch(LaneBand* band, int vectors, int key, int end, out int from, out int to)
    {
        from = vectors;
        to = 0;
        int next = end;
        for (int c = 0; c < vectors; c++)
        {
            if (key >= band[c].End) continue;
            if (key < band[c].First)
            {
                next = Math.Min(next, band[c].First);
                continue;
            }

            from = Math.Min(from, c);
            to = c + 1;
            next = Math.Min(next, band[c].End);
        }

        return next;
    }
}
