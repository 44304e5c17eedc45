namespace AttnKernels;

public sealed partial class AttentionDevice
{
    /// <summary>
    /// Attention of plain arrays, row-major: q (batch, headsQ, seqQ, headDim), k (batch, headsKv, seqKv, headDim), v (batch, headsKv,
    /// seqKv, headDimV);
    /// returns o (batch, headsQ, seqQ, headDimV). Copies and plans every time: for repeated calls make a plan.
    /// </summary>
    /// <param name="q">Queries.</param>
    /// <param name="k">Keys.</param>
    /// <param name="v">Values.</param>
    /// <param name="problem">Sizes and masks; no optional tensors. Its type is the storage on the device.</param>
    public float[] Attention(ReadOnlySpan<float> q, ReadOnlySpan<float> k, ReadOnlySpan<float> v, AttentionProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        RefuseOptional(problem);
        using AttentionPlan plan = Plan(problem);
        using DeviceTensor tq = UploadAs(problem.Type, q, problem.Batch, problem.HeadsQ, problem.SeqQ, problem.HeadDim);
        using DeviceTensor tk = UploadAs(problem.KvType, k, problem.Batch, problem.HeadsKv, problem.SeqKv, problem.HeadDim);
        using DeviceTensor tv = UploadAs(problem.KvType, v, problem.Batch, problem.HeadsKv, problem.SeqKv, problem.HeadDimV);
        using DeviceTensor to = Allocate(problem.Type, problem.Batch, problem.HeadsQ, problem.SeqQ, problem.HeadDimV);
        plan.Run(new AttentionTensors { Q = tq, K = tk, V = tv, O = to });
        return to.ToFloats();
    }

    /// <summary>
    /// Softmax of a plain array x (batch, heads, rows, columns), row-major; returns an array of the same shape. Copies and plans every
    /// time.
    /// </summary>
    /// <param name="x">Elements.</param>
    /// <param name="problem">Sizes and masks; no optional tensors.</param>
    public float[] Softmax(ReadOnlySpan<float> x, SoftmaxProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        RefuseOptional(problem);
        using SoftmaxPlan plan = Plan(problem);
        using DeviceTensor tx = UploadAs(problem.Type, x, problem.Batch, problem.Heads, problem.Rows, problem.Columns);
        using DeviceTensor ty = Allocate(problem.OutputType, problem.Batch, problem.Heads, problem.Rows, problem.Columns);
        plan.Run(new SoftmaxTensors { X = tx, Y = ty });
        return ty.ToFloats();
    }

    /// <summary>
    /// Product of plain arrays, row-major: a (batch0, batch1, M, K) or, transposed, (..., K, M); b (batch0, batch1/groupB, K, N) or (...,
    /// N, K); returns c (batch0, batch1, M, N). Copies and plans every time.
    /// </summary>
    /// <param name="a">Left operand.</param>
    /// <param name="b">Right operand.</param>
    /// <param name="problem">Sizes; no bias, beta 0.</param>
    public float[] Matmul(ReadOnlySpan<float> a, ReadOnlySpan<float> b, MatmulProblem problem)
    {
        ArgumentNullException.ThrowIfNull(problem);
        if (problem.Bias || problem.Beta != 0)
            throw new NotSupportedException("A bias and beta need MatmulPlan.Run; this convenience takes A and B only.");
        using MatmulPlan plan = Plan(problem);
        (int rowsA, int columnsA) = problem.TransposeA ? (problem.K, problem.M) : (problem.M, problem.K);
        (int rowsB, int columnsB) = problem.TransposeB ? (problem.N, problem.K) : (problem.K, problem.N);
        using DeviceTensor ta = UploadAs(problem.TypeA, a, problem.Batch0, problem.Batch1, rowsA, columnsA);
        using DeviceTensor tb = UploadAs(problem.TypeB, b, problem.Batch0, problem.Batch1 / problem.GroupB, rowsB, columnsB);
        using DeviceTensor tc = Allocate(problem.TypeC, problem.Batch0, problem.Batch1, problem.M, problem.N);
        plan.Run(new MatmulTensors { A = ta, B = tb, C = tc });
        return tc.ToFloats();
    }

    private static void RefuseOptional(ScoreProblem problem)
    {
        string names = string.Join(", ", problem.OptionalTensors);
        if (names.Length > 0)
        {
            throw new NotSupportedException(
                $"The problem has optional tensors ({names}), which a plan's Run takes; this convenience has none.");
        }
    }
}
