namespace AttnKernels.Plans;

/// <summary>
/// Attention as two matmuls and a softmax, on any device: W = Q K^T, W = softmax(score(W)) in place, O = W V. W is the caller's tensor for
/// the attention weights, so there is no workspace. fp32 weights whatever the storage type.
/// </summary>
internal sealed class UnfusedAttention(IPlanFactory plans, AttentionProblem problem)
    : UnfusedAttention<AttentionTensors, SoftmaxTensors>(plans, problem, plans.Softmax)
{
    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        RunScores(t, stream, cancel);
        Softmax.Run(SoftmaxOf(t), stream, cancel);
        RunOutput(t, stream, cancel);
    }
}

/// <summary>As <see cref="UnfusedAttention"/>, with a score modifier in the softmax.</summary>
internal sealed class RuledUnfusedAttention<TRule>(IPlanFactory plans, AttentionProblem problem)
    : UnfusedAttention<Ruled<AttentionTensors, TRule>, Ruled<SoftmaxTensors, TRule>>(plans, problem, plans.Softmax<TRule>)
    where TRule : unmanaged, IScoreModifier
{
    public override void Run(in Ruled<AttentionTensors, TRule> t, DeviceStream stream, CancellationToken cancel)
    {
        RunScores(t.Tensors, stream, cancel);
        Softmax.Run(new Ruled<SoftmaxTensors, TRule>(SoftmaxOf(t.Tensors), t.Rule), stream, cancel);
        RunOutput(t.Tensors, stream, cancel);
    }
}

/// <summary>The parts of <see cref="UnfusedAttention"/>.</summary>
internal abstract class UnfusedAttention<TTensors, TSoftmax> : Executable<TTensors>
    where TTensors : struct
    where TSoftmax : struct
{
    private readonly AttentionProblem problem;
    private readonly Executable<MatmulTensors> scores;
    private readonly Executable<MatmulTensors> output;

    protected UnfusedAttention(IPlanFactory plans, AttentionProblem p, Func<SoftmaxProblem, Executable<TSoftmax>> planSoftmax)
    {
        if (!p.HasPlainKeys)
        {
            throw new NotSupportedException(
                "Weights = true is built for contiguous K and V of Q's type (Kv = Contiguous, KvType = Type, Packed = null) "
                + "and dot products (no Similarity, no Rotary); "
                + "fused attention takes all of them, and a WeightsProblem gives the weights of chosen rows after it.");
        }
        problem = p;
        int group = p.HeadsQ / p.HeadsKv;
        scores = plans.Matmul(new MatmulProblem
        {
            Batch0 = p.Batch,
            Batch1 = p.HeadsQ,
            GroupB = group,
            M = p.SeqQ,
            N = p.SeqKv,
            K = p.HeadDim,
            Type = p.Type,
            TypeC = DType.Float32,
            Parts = 1, // a row's bits depend on no other row
        });
        Softmax = planSoftmax(new SoftmaxProblem(p)
        {
            Batch = p.Batch,
            Heads = p.HeadsQ,
            Rows = p.SeqQ,
            Columns = p.SeqKv,
            Scale = p.EffectiveScale,
        });
        // A hidden key has weight 0; whatever its value holds must not reach O, hence SkipZeroA.
        output = plans.Matmul(new MatmulProblem
        {
            Batch0 = p.Batch,
            Batch1 = p.HeadsQ,
            GroupB = group,
            M = p.SeqQ,
            N = p.HeadDimV,
            K = p.SeqKv,
            Type = p.Type,
            TypeA = DType.Float32,
            SkipZeroA = true,
        });
    }

    protected Executable<TSoftmax> Softmax { get; }

    public override long WorkspaceBytes => scores.WorkspaceBytes + Softmax.WorkspaceBytes + output.WorkspaceBytes;

    public override void Prepare(DeviceStream stream)
    {
        scores.Prepare(stream);
        Softmax.Prepare(stream);
        output.Prepare(stream);
    }

    public override string Explain() =>
        $"unfused, because the weights are wanted: scores [{scores.Explain()}], softmax [{Softmax.Explain()}], "
        + $"output [{output.Explain()}]{problem.InsteadOfPrecision}";

    /// <summary>W = Q K^T.</summary>
    protected void RunScores(in AttentionTensors t, DeviceStream stream, CancellationToken cancel) =>
        scores.Run(new MatmulTensors { A = t.Q, B = t.K.Transpose(2, 3), C = t.Weights }, stream, cancel);

    /// <summary>O = W V.</summary>
    protected void RunOutput(in AttentionTensors t, DeviceStream stream, CancellationToken cancel) =>
        output.Run(new MatmulTensors { A = t.Weights, B = t.V, C = t.O }, stream, cancel);

    /// <summary>What the softmax of W in place reads.</summary>
    protected static SoftmaxTensors SoftmaxOf(in AttentionTensors t) => new()
    {
        X = t.Weights,
        Y = t.Weights,
        Lse = t.Lse,
        Mask = t.Mask,
        Bias = t.Bias,
        KeyLengths = t.KeyLengths,
        AlibiSlopes = t.AlibiSlopes,
        Sinks = t.Sinks,
        HeadScales = t.HeadScales,
        DocumentsQ = t.DocumentsQ,
        DocumentsKv = t.DocumentsKv,
        BlockMask = t.BlockMask,
        RuleFloats = t.RuleFloats,
        RuleInts = t.RuleInts,
    };

    public override void Dispose()
    {
        scores.Dispose();
        Softmax.Dispose();
        output.Dispose();
        base.Dispose();
    }
}
