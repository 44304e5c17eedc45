namespace AttnKernels.Verification;

/// <summary>
/// K and V as a problem stores them: in its type, with scales where they are integers, in the blocks of a shuffled table where they are
/// paged. Whatever no key lies in is poison; entries of the table that no key needs lie outside the cache.
/// </summary>
internal sealed class KeyData : IDisposable
{
    private readonly List<PlacedTensor> placed = [];
    private readonly AttentionProblem problem;
    private readonly SequenceData sequences;
    private readonly Seeded random;
    private readonly float[]? table;

    public KeyData(AttentionDevice device, AttentionProblem problem, SequenceData sequences, Seeded random)
    {
        (this.problem, this.sequences, this.random) = (problem, sequences, random);
        if (!problem.Kv.IsPaged) return;
        table = Shuffled(sequences.Rule);
        BlockTable = Place(device, new HostTensor(DType.Int32, table, problem.Batch, problem.TableColumns)).Squeeze(0).Squeeze(0);
    }

    public TensorView BlockTable { get; }

    public TensorView KScales { get; private set; }

    public TensorView VScales { get; private set; }

    /// <summary>
    /// Normal numbers (batch, headsKv, seqKv, dim), or those of <see cref="TracedKeys"/>, as they are after storage: multiples of a row's
    /// scale where stored as integers.
    /// </summary>
    public HostTensor Draw(int stream, int dim, bool traced)
    {
        DType type = problem.KvType == DType.Int8 ? DType.Float32 : problem.KvType;
        HostTensor values = traced
            ? TracedKeys.Rows(problem, random, stream, type, dim)
            : random.Normals(stream, type, 1, problem.Batch, problem.HeadsKv, problem.SeqKv, dim);
        if (problem.KvType != DType.Int8) return values;
        for (int n = 0; n < values.Values.Length; n++)
        {
            float scale = ScaleOf(stream, n / dim);
            values.Values[n] = Code(traced ? values.Values[n] / scale : values.Values[n] * 40) * scale;
        }
        return values;
    }

    /// <summary>The tensor that Run receives for K (stream 1) or V (stream 2), whose hidden rows are NaN.</summary>
    public HostTensor Store(AttentionDevice device, int stream, HostTensor logical)
    {
        int dim = logical.Shape[3];
        bool isInteger = problem.KvType == DType.Int8;
        HostTensor stored = new(problem.KvType, problem.KeyBatch, problem.HeadsKv, problem.KeyRows, dim);
        Array.Fill(stored.Values, isInteger ? -128 : float.NaN);
        HostTensor scales = new(DType.Float32, problem.KeyBatch, problem.HeadsKv, problem.KeyRows);
        Array.Fill(scales.Values, float.NaN);
        for (int row = 0; row < logical.Values.Length / dim; row++)
        {
            if (RowOf(row) is not { } target) continue;
            ReadOnlySpan<float> source = logical.Values.AsSpan(row * dim, dim);
            bool isHidden = float.IsNaN(source[0]) && float.IsNaN(source[^1]);
            if (isInteger && isHidden) continue;
            scales.Values[target] = ScaleOf(stream, row);
            for (int d = 0; d < dim; d++)
                stored.Values[(target * dim) + d] = isInteger ? MathF.Round(source[d] / ScaleOf(stream, row)) : source[d];
        }
        if (!isInteger) return stored;
        TensorView view = Place(device, scales).Squeeze(0);
        if (stream == 1) KScales = view;
        else VScales = view;
        return stored;
    }

    public IEnumerable<string?> Damages() => placed.Select(p => p.Damage(isOutput: false));

    public void Dispose() => placed.ForEach(p => p.Dispose());

    private static float Code(float value) => Math.Clamp(MathF.Round(value), -127, 127);

    private float ScaleOf(int stream, int row) => (float)(0.01 + (0.03 * random.Uniform(40 + stream, row)));

    /// <summary>The stored row of row (batch, head, key), or null: there is none.</summary>
    private int? RowOf(int row)
    {
        (int b, int h, int j) = (row / problem.SeqKv / problem.HeadsKv, row / problem.SeqKv % problem.HeadsKv, row % problem.SeqKv);
        if (table is null)
            return sequences.KeyRow(b, j) is { } at ? (((problem.KeyBatch == 1 ? 0 : b * problem.HeadsKv) + h) * problem.KeyRows) + at
                : null;
        int size = problem.Kv.BlockSize, block = (int)table[(b * problem.TableColumns) + (j / size)];
        return block < 0 ? null : (((block * problem.HeadsKv) + h) * size) + (j % size);
    }

    private float[] Shuffled(ScoreRule rule)
    {
        int[] blocks = [.. Enumerable.Range(0, problem.Kv.Blocks).OrderBy(n => random.Uniform(43, n))];
        float[] entries = new float[problem.Batch * problem.TableColumns];
        for (int n = 0; n < entries.Length; n++)
        {
            (int b, int first) = (n / problem.TableColumns, n % problem.TableColumns * problem.Kv.BlockSize);
            entries[n] = first < rule.KeysOf(b, problem.SeqKv) ? blocks[n] : -7;
        }
        return entries;
    }

    private TensorView Place(AttentionDevice device, HostTensor tensor)
    {
        PlacedTensor input = PlacedTensor.Input(device, tensor, Placement.Dense);
        placed.Add(input);
        return input.View;
    }
}
