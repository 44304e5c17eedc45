using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Peers;

/// <summary>
/// A peer that works a row at a time, without blocking for caches or registers; tasks of 64 rows spread over the threads.
/// </summary>
internal sealed unsafe class RowPeer<TOperations>(WorkerThreads threads) : IImplementation
    where TOperations : IRowOperations
{
    public string Name => TOperations.Name;

    public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
    {
        reason = PeerScores.Refusal(workload) ?? "";
        if (reason.Length > 0) return [];
        double seconds = workload.Flops / (TOperations.GflopsPerThread * 1e9 * threads.Count);
        return [new Candidate("", seconds, input => workload switch
        {
            AttentionWorkload a => Attention(a.Problem, (AttentionInput)input),
            MatmulWorkload m => Matmul(m.Problem, (MatmulInput)input),
            SoftmaxWorkload s => Softmax(s.Problem, (SoftmaxInput)input),
            _ => throw new NotSupportedException(workload.Operation),
        })];
    }

    public void Dispose()
    {
    }

    private PreparedCpu Attention(AttentionProblem p, AttentionInput input)
    {
        AttentionShape shape = AttentionShape.Of(p);
        KeyBand band = p.Band;
        AlignedBuffer<float> q = PreparedCpu.Copy(input.Q), k = PreparedCpu.Copy(input.K), v = PreparedCpu.Copy(input.V);
        var o = new AlignedBuffer<float>((long)p.Batch * p.HeadsQ * p.SeqQ * p.HeadDimV);
        var scores = new ThreadLocal<float[]>(() => new float[p.SeqKv]);
        Action<int> task = index =>
        {
            (int head, int firstRow, int rows) = shape.Task(index);
            int kvHead = shape.KvHead(head);
            for (int row = firstRow; row < firstRow + rows; row++)
            {
                (int first, int end) = PeerScores.Visible(band, row, shape.SeqQ, shape.SeqKv);
                Span<float> s = scores.Value.AsSpan(first, Math.Max(0, end - first));
                var query = new ReadOnlySpan<float>(q.Data + shape.QueryOffset(head, row), shape.Dim);
                for (int j = 0; j < s.Length; j++)
                    s[j] = shape.Scale * TOperations.Dot(query, new(k.Data + shape.KeyOffset(kvHead, first + j), shape.Dim));
                TOperations.Softmax(s, s);
                var output = new Span<float>(o.Data + shape.OutputOffset(head, row), shape.DimV);
                output.Clear();
                for (int j = 0; j < s.Length; j++)
                    TOperations.AddScaled(new(v.Data + shape.ValueOffset(kvHead, first + j), shape.DimV), s[j], output);
            }
        };
        return new PreparedCpu(o, () => threads.For(shape.Tasks, task), q, k, v, scores);
    }

    private PreparedCpu Matmul(MatmulProblem p, MatmulInput input)
    {
        AlignedBuffer<float> a = PreparedCpu.Copy(input.A), b = PreparedCpu.Copy(input.B);
        var c = new AlignedBuffer<float>((long)p.M * p.N);
        Action<int> row = i =>
        {
            var output = new Span<float>(c.Data + (long)i * p.N, p.N);
            output.Clear();
            for (int k = 0; k < p.K; k++)
                TOperations.AddScaled(new(b.Data + (long)k * p.N, p.N), a.Data[(long)i * p.K + k], output);
        };
        return new PreparedCpu(c, () => threads.For(p.M, row), a, b);
    }

    private PreparedCpu Softmax(SoftmaxProblem p, SoftmaxInput input)
    {
        AlignedBuffer<float> x = PreparedCpu.Copy(input.X);
        var y = new AlignedBuffer<float>((long)p.Rows * p.Columns);
        // One task holds about a page of rows: short rows would otherwise cost more in hand-over than in work.
        int rowsPerTask = Math.Max(1, 16384 / p.Columns);
        Action<int> task = t =>
        {
            for (int i = t * rowsPerTask; i < Math.Min(p.Rows, (t + 1) * rowsPerTask); i++)
                TOperations.Softmax(new(x.Data + (long)i * p.Columns, p.Columns), new(y.Data + (long)i * p.Columns, p.Columns));
        };
        return new PreparedCpu(y, () => threads.For((p.Rows + rowsPerTask - 1) / rowsPerTask, task), x);
    }
}
