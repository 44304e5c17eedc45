namespace AttnKernels.Verification;

/// <summary>
/// Q, K and V that give every key a place of its own in O, so that a key that is lost, taken twice or swapped shows at any length. With
/// normal numbers a key carries about 1/n of each row, less than a worst-case bound for long rows.
/// </summary>
/// <remarks>
/// Key j belongs to class j mod headDim: its K is about 1 in that column, 0 elsewhere. A query is one class's column: it sees that class at
/// a score of 12 to 12.6, all others at 0. Within a class, V is 0.5 to 1.5 in one column, the next one for the class's next key. So an
/// element of O holds the n / (headDim headDimV) keys of one class and one column, each with that share of it.
/// </remarks>
internal static class TracedKeys
{
    private const double Score = 12;

    /// <summary>
    /// Q (batch, headsQ, seqQ, headDim). The rows that share a key head take the classes 0, D - 1, 1, D - 2, ..: a few rows see the first
    /// and last keys of every tile.
    /// </summary>
    public static HostTensor Queries(AttentionProblem p, ScoreRule rule)
    {
        HostTensor q = new(p.Type, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim);
        int group = p.HeadsQ / p.HeadsKv;
        for (int row = 0; row < p.Batch * p.HeadsQ * p.SeqQ; row++)
        {
            int head = row / p.SeqQ % p.HeadsQ, r = (head % group * p.SeqQ) + (row % p.SeqQ), step = r / 2 % p.HeadDim;
            int ofClass = r % 2 == 0 ? step : p.HeadDim - 1 - step;
            q.Values[(row * p.HeadDim) + ofClass] = HostTensor.Round(p.Type, (float)(Score / rule.ScaleOf(head)));
        }
        return q;
    }

    /// <summary>K (stream 1) or V (stream 2) of (batch, headsKv, seqKv, dim), before it is stored as integers.</summary>
    public static HostTensor Rows(AttentionProblem p, Seeded random, int stream, DType type, int dim)
    {
        HostTensor rows = new(type, p.Batch, p.HeadsKv, p.SeqKv, dim);
        for (int row = 0; row < p.Batch * p.HeadsKv * p.SeqKv; row++)
        {
            int j = row % p.SeqKv, ofClass = j % p.HeadDim;
            double uniform = random.Uniform(stream, row);
            int column = stream == 1 ? ofClass : ((j / p.HeadDim) + ofClass) % dim;
            rows.Values[(row * dim) + column] = HostTensor.Round(type, (float)(stream == 1 ? 1 + (0.05 * uniform) : 0.5 + uniform));
        }
        return rows;
    }
}
