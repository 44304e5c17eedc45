namespace AttnKernels.Verification;

/// <summary>
/// Rows of one value per factor such that any two values of different factors stand together in some row: defects are mostly those of one
/// value or of two together. Greedy, as AETG (Cohen et al. 1997): a row starts with a pair that is not covered yet and takes, factor by
/// factor, the value that covers most.
/// </summary>
internal static class CoveringArray
{
    /// <param name="sizes">Values of each factor.</param>
    /// <param name="seed">Decides between rows that cover as much; the same rows for the same seed.</param>
    public static IReadOnlyList<int[]> Pairs(IReadOnlyList<int> sizes, ulong seed)
    {
        Seeded random = new(seed);
        HashSet<(int, int, int, int)> open = [];
        for (int a = 0; a < sizes.Count; a++)
            for (int b = a + 1; b < sizes.Count; b++)
                for (int x = 0; x < sizes[a]; x++)
                    for (int y = 0; y < sizes[b]; y++)
                        open.Add((a, x, b, y));
        List<int[]> rows = [];
        while (open.Count > 0)
        {
            int[] row = new int[sizes.Count];
            Array.Fill(row, -1);
            (int a, int x, int b, int y) = open.ElementAt((int)(random.Uniform(rows.Count, 0) * open.Count));
            (row[a], row[b]) = (x, y);
            foreach (int factor in Enumerable.Range(0, row.Length)
                .Where(f => row[f] < 0).OrderBy(f => random.Uniform(rows.Count, 1 + f)).ToArray())
                row[factor] = Enumerable.Range(0, sizes[factor])
                    .OrderByDescending(value => Gain(row, factor, value)).ThenBy(value => random.Uniform(rows.Count, 1000 + value)).First();
            for (int f = 0; f < row.Length; f++)
                for (int g = f + 1; g < row.Length; g++)
                    open.Remove((f, row[f], g, row[g]));
            rows.Add(row);
        }
        return rows;

        int Gain(int[] row, int factor, int value)
        {
            int gain = 0;
            for (int other = 0; other < row.Length; other++)
            {
                if (row[other] < 0) continue;
                if (open.Contains(other < factor ? (other, row[other], factor, value) : (factor, value, other, row[other]))) gain++;
            }
            return gain;
        }
    }
}
