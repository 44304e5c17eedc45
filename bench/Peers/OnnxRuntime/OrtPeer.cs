using AttnKernels.Bench.Data;
using AttnKernels.Bench.Implementations;
using AttnKernels.Bench.Measure;
using AttnKernels.Bench.Workloads;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>
/// ONNX Runtime through its C API, in this process: no copies and no scripting between a run and its kernels. Its workers are pinned to
/// the processors after the first, where the caller is pinned.
/// </summary>
internal sealed class OrtPeer(OrtApi api, int threads) : IImplementation
{
    private readonly Dictionary<string, OrtSession> sessions = [];

    public string Name => "onnxruntime";

    public IReadOnlyList<Candidate> Candidates(Workload workload, out string reason)
    {
        reason = "";
        if (workload.Type != DType.Float32)
        {
            reason = "fp32 only";
            return [];
        }
        List<Candidate> candidates = [.. Forms(workload).Select(form =>
            new Candidate(form.Name, 0, input => Prepare($"{workload.Name}/{form.Name}", form.Build(input))))];
        if (candidates.Count == 0) reason = "no operator for this mask";
        return candidates;
    }

    public void Dispose()
    {
    }

    private static IEnumerable<(string Name, Func<WorkloadInput, OrtGraph> Build)> Forms(Workload workload) => workload switch
    {
        AttentionWorkload a => OrtAttentionForms.For(a.Problem)
            .Select(form => (form.Name, (Func<WorkloadInput, OrtGraph>)(input => form.Build((AttentionInput)input)))),
        MatmulWorkload m => [("", input => Matmul(m.Problem, (MatmulInput)input))],
        SoftmaxWorkload s => [("", input => Softmax(s.Problem, (SoftmaxInput)input))],
        _ => [],
    };

    private static OrtGraph Matmul(MatmulProblem p, MatmulInput input) => OrtGraph.Of(
        m => m.Node("MatMul", "a b", "c"),
        [OrtTensor.Floats("a", input.A.Values, p.M, p.K), OrtTensor.Floats("b", input.B.Values, p.K, p.N)],
        [OrtTensor.Zeros("c", p.M, p.N)]);

    private static OrtGraph Softmax(SoftmaxProblem p, SoftmaxInput input) => OrtGraph.Of(
        m => m.Node("Softmax", "x", "y", false, ("axis", -1)),
        [OrtTensor.Floats("x", input.X.Values, p.Rows, p.Columns)],
        [OrtTensor.Zeros("y", p.Rows, p.Columns)]);

    private OrtPrepared Prepare(string key, OrtGraph graph)
    {
        if (!sessions.TryGetValue(key, out OrtSession? session))
        {
            session = new OrtSession(api, api.CreateSession(graph.Model, threads, WorkerAffinity()), _ => sessions.Remove(key));
            sessions.Add(key, session);
        }
        return new OrtPrepared(api, session.Acquire(), graph);
    }

    /// <summary>One processor for each worker, counted from 1 as ONNX Runtime does; the caller has the first.</summary>
    private string WorkerAffinity() =>
        Affinity.Processors.Count < threads ? "" : string.Join(';', Affinity.Processors.Skip(1).Take(threads - 1).Select(p => p + 1));
}
