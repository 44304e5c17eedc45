namespace AttnKernels.Verification;

/// <summary>
/// Which queries and keys a batch entry really has: sequences of random lengths that are packed, and rings that have lost their oldest
/// keys. The references know neither; they get every entry padded, and a rule that says what there is.
/// </summary>
internal sealed class SequenceData : IDisposable
{
    private readonly List<PlacedTensor> placed = [];
    private readonly AttentionProblem problem;
    private readonly int[]? startsQ, startsKv;

    public SequenceData(AttentionDevice device, AttentionProblem problem, ScoreRule rule, Seeded random, IReadOnlyList<int>? lengths = null)
    {
        (this.problem, Rule) = (problem, rule);
        if (problem.Packed is { } packed)
        {
            startsQ = lengths is null ? Starts(random, 44, packed.TotalQ, problem.SeqQ) : Starts(lengths, 0);
            StartsQ = Place(device, startsQ);
            Rule = Rule with { QueryLengths = Lengths(problem.Batch, b => startsQ[b + 1] - startsQ[b]) };
            if (packed.TotalKv is { } total)
            {
                startsKv = lengths is null ? Starts(random, 45, total, problem.SeqKv) : Starts(lengths, 0);
                StartsKv = Place(device, startsKv);
                Rule = Rule with
                {
                    KeyLengths = Lengths(
                        problem.Batch, b => Math.Min(rule.KeysOf(b, problem.SeqKv), startsKv[b + 1] - startsKv[b])),
                };
            }
        }
        if (!problem.Kv.IsRing) return;
        Rule = Rule with
        {
            KeyLengths = Lengths(problem.Batch, b => Math.Min(rule.KeysOf(b, 0), problem.SeqKv)),
            FirstPositions = Lengths(problem.Batch, b => Math.Max(0, rule.KeysOf(b, 0) - problem.SeqKv)),
        };
    }

    /// <summary>The rule with the entries' own lengths and positions.</summary>
    public ScoreRule Rule { get; }

    public TensorView StartsQ { get; }

    public TensorView StartsKv { get; }

    /// <summary>Row <paramref name="i"/> of batch entry <paramref name="b"/> in a head of packed Q.</summary>
    public int QueryRow(int b, int i) => startsQ![b] + i;

    /// <summary>Row <paramref name="j"/> of batch entry <paramref name="b"/> in a head of K, or null: the entry has no such key.</summary>
    public int? KeyRow(int b, int j)
    {
        if (problem.Kv.IsRing) return j < Rule.KeysOf(b, 0) ? ((int)Rule.FirstPositions!.Values[b] + j) % problem.SeqKv : null;
        if (startsKv is null) return j;
        return j < startsKv[b + 1] - startsKv[b] ? startsKv[b] + j : null;
    }

    /// <summary>The tensor that Run receives for Q, (batch, headsQ, seqQ, dim); rows of no sequence are NaN.</summary>
    public HostTensor Store(HostTensor q)
    {
        if (startsQ is null) return q;
        int dim = q.Shape[3];
        HostTensor packed = new(q.Type, 1, problem.HeadsQ, problem.QueryRows, dim);
        Array.Fill(packed.Values, float.NaN);
        ForEachRow((padded, row) => q.Values.AsSpan(padded * dim, dim).CopyTo(packed.Values.AsSpan(row * dim, dim)));
        return packed;
    }

    /// <summary>A result as if it were padded, (batch, headsQ, seqQ, <paramref name="dim"/>); what no row was stored for is NaN.</summary>
    public float[] Padded(float[] result, int dim)
    {
        if (startsQ is null) return result;
        float[] padded = new float[problem.Batch * problem.HeadsQ * problem.SeqQ * dim];
        Array.Fill(padded, float.NaN);
        ForEachRow((at, row) => result.AsSpan(row * dim, dim).CopyTo(padded.AsSpan(at * dim)));
        return padded;
    }

    /// <summary>Those of <paramref name="rows"/> (null: of all rows) that a sequence has.</summary>
    public int[]? Existing(int[]? rows)
    {
        if (startsQ is null) return rows;
        HashSet<int> all = [];
        ForEachRow((padded, _) => all.Add(padded));
        return [.. (rows ?? Enumerable.Range(0, problem.Batch * problem.HeadsQ * problem.SeqQ)).Where(all.Contains)];
    }

    /// <summary>What was written into rows of no sequence, which were NaN; or null.</summary>
    public string? Stray(float[] result, int dim)
    {
        if (startsQ is null) return null;
        bool[] known = new bool[result.Length / dim];
        ForEachRow((_, row) => known[row] = true);
        for (int n = 0; n < result.Length; n++)
            if (!known[n / dim] && !float.IsNaN(result[n]))
                return $"element {n}, of no sequence, was overwritten";
        return null;
    }

    public IEnumerable<string?> Damages() => placed.Select(p => p.Damage(isOutput: false));

    public void Dispose() => placed.ForEach(p => p.Dispose());

    /// <summary>Every row of a sequence: as a row of (batch, headsQ, seqQ), and as one of (headsQ, totalQ).</summary>
    private void ForEachRow(Action<int, int> body)
    {
        for (int b = 0; b < problem.Batch; b++)
            for (int h = 0; h < problem.HeadsQ; h++)
                for (int i = 0; i < startsQ![b + 1] - startsQ[b]; i++)
                    body((((b * problem.HeadsQ) + h) * problem.SeqQ) + i, (h * problem.QueryRows) + startsQ[b] + i);
    }

    /// <summary>
    /// Random lengths, the longest among them, of together at most <paramref name="total"/> rows, with spare rows in front and behind.
    /// </summary>
    private int[] Starts(Seeded random, int stream, int total, int longest)
    {
        int[] lengths = new int[problem.Batch];
        int of = (int)(random.Uniform(stream, 0) * problem.Batch), left = total - longest;
        lengths[of] = longest;
        for (int b = 0; b < lengths.Length; b++)
        {
            if (b == of) continue;
            lengths[b] = Math.Min(left, (int)(random.Uniform(stream, b + 1) * (longest + 1)));
            left -= lengths[b];
        }
        return Starts(lengths, left / 2);
    }

    private static int[] Starts(IReadOnlyList<int> lengths, int first)
    {
        int[] starts = new int[lengths.Count + 1];
        starts[0] = first;
        for (int b = 0; b < lengths.Count; b++) starts[b + 1] = starts[b] + lengths[b];
        return starts;
    }

    private static HostTensor Lengths(int batch, Func<int, int> of) =>
        new(DType.Int32, [.. Enumerable.Range(0, batch).Select(b => (float)of(b))], batch);

    private TensorView Place(AttentionDevice device, int[] values)
    {
        HostTensor tensor = new(DType.Int32, [.. values.Select(v => (float)v)], values.Length);
        PlacedTensor input = PlacedTensor.Input(device, tensor, Placement.Dense);
        placed.Add(input);
        return input.ViewOfRank(1);
    }
}
