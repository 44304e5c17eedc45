using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Peers.OpenBlas;

/// <summary>
/// OpenBLAS: its sgemm as it comes, and attention composed of it: per head and 64 query rows S = Q K^T, a softmax, O = S V, without the key
/// columns above the diagonal of a causal mask. Nobody ships this composite, but a library should not be slower than it.
/// </summary>
internal sealed unsafe class OpenBlasPeer(WorkerThreads threads) : IImplementation
{
    public string Name => "openblas";

    public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
    {
        reason = workload is SoftmaxWorkload ? "a BLAS has no softmax" : PeerScores.Refusal(workload) ?? "";
        if (reason.Length > 0) return [];
        return workload switch
        {
            AttentionWorkload a => [new Candidate("composite", 0, input => Attention(a.Problem, (AttentionInput)input))],
            MatmulWorkload m => [new Candidate("", 0, input => Matmul(m.Problem, (MatmulInput)input))],
            _ => throw new NotSupportedException(workload.Operation),
        };
    }

    public void Dispose()
    {
    }

    private PreparedCpu Attention(AttentionProblem p, AttentionInput input)
    {
        AttentionShape shape = AttentionShape.Of(p);
        KeyBand band = p.Band;
        if (p.SeqQ == 1 && p.HeadsQ > p.HeadsKv)
        {
            // The query heads that share a key head lie one after the other: as rows of one product they read the keys once.
            (int first, int end) = PeerScores.Visible(band, 0, 1, p.SeqKv);
            if (first == 0 && end == p.SeqKv)
                (shape, band) = (shape with { HeadsQ = p.HeadsKv, SeqQ = p.HeadsQ / p.HeadsKv }, KeyBand.All);
        }
        AlignedBuffer<float> q = PreparedCpu.Copy(input.Q), k = PreparedCpu.Copy(input.K), v = PreparedCpu.Copy(input.V);
        var o = new AlignedBuffer<float>((long)p.Batch * p.HeadsQ * p.SeqQ * p.HeadDimV);
        // Rows of scores start on cache lines: 16 floats.
        int stride = (p.SeqKv + 15) / 16 * 16;
        var scratch = new ThreadLocal<AlignedBuffer<float>>(
            () => new AlignedBuffer<float>(AttentionShape.BlockRows * stride), trackAllValues: true);
        Action<int> task = index =>
        {
            (int head, int firstRow, int rows) = shape.Task(index);
            int kvHead = shape.KvHead(head);
            int first = PeerScores.Visible(band, firstRow, shape.SeqQ, shape.SeqKv).First;
            int end = PeerScores.Visible(band, firstRow + rows - 1, shape.SeqQ, shape.SeqKv).End;
            int keys = Math.Max(0, end - first);
            float* s = scratch.Value!.Data, output = o.Data + shape.OutputOffset(head, firstRow);
            if (keys == 0)
            {
                new Span<float>(output, rows * shape.DimV).Clear();
                return;
            }
            OpenBlasLibrary.Multiply(rows, keys, shape.Dim, shape.Scale, q.Data + shape.QueryOffset(head, firstRow), shape.Dim,
                k.Data + shape.KeyOffset(kvHead, first), shape.Dim, true, s, stride);
            float* inverses = stackalloc float[AttentionShape.BlockRows];
            for (int r = 0; r < rows; r++)
            {
                (int rowFirst, int rowEnd) = PeerScores.Visible(band, firstRow + r, shape.SeqQ, shape.SeqKv);
                inverses[r] = SoftmaxRow(s + r * stride, keys, rowFirst - first, rowEnd - first);
            }
            OpenBlasLibrary.Multiply(rows, shape.DimV, keys, 1, s, stride,
                v.Data + shape.ValueOffset(kvHead, first), shape.DimV, false, output, shape.DimV);
            for (int r = 0; r < rows; r++)
                for (int d = 0; d < shape.DimV; d++) output[r * shape.DimV + d] *= inverses[r];
        };
        return new PreparedCpu(o, () =>
        {
            OpenBlasLibrary.SetThreads(1);
            threads.For(shape.Tasks, task);
        }, q, k, v, new ScratchOwner(scratch));
    }

    private PreparedCpu Matmul(MatmulProblem p, MatmulInput input)
    {
        AlignedBuffer<float> a = PreparedCpu.Copy(input.A), b = PreparedCpu.Copy(input.B);
        var c = new AlignedBuffer<float>((long)p.M * p.N);
        int count = threads.Count;
        return new PreparedCpu(c, () =>
        {
            OpenBlasLibrary.SetThreads(count);
            OpenBlasLibrary.Multiply(p.M, p.N, p.K, 1, a.Data, p.K, b.Data, p.N, false, c.Data, p.N);
        }, a, b);
    }

    /// <summary>Weights of one row inside [first, end), zeros outside; returns what O has to be multiplied with.</summary>
    private static float SoftmaxRow(float* s, int keys, int first, int end)
    {
        first = Math.Clamp(first, 0, keys);
        end = Math.Clamp(end, first, keys);
        new Span<float>(s, first).Clear();
        new Span<float>(s + end, keys - end).Clear();
        return end > first ? FastSoftmax.Exponentials(s + first, end - first) : 0;
    }

    private sealed class ScratchOwner(ThreadLocal<AlignedBuffer<float>> scratch) : IDisposable
    {
        public void Dispose()
        {
            foreach (AlignedBuffer<float> buffer in scratch.Values) buffer.Dispose();
            scratch.Dispose();
        }
    }
}
