namespace AttnKernels.Plans;

/// <summary>
/// Attention as two matmuls and a softmax, on any device: W = Q K^T, W = softmax(score(W)) in place, O = W V. W is the caller's tensor for
/// the attention weights, so there is no workspace. fp32 weights whatever the storage type.
/// </summary>
internal sealed class UnfusedAttention : Executable<AttentionTensors>
{
    private readonly Executable<MatmulTensors> scores;
    private readonly Executable<SoftmaxTensors> softmax;
    private readonly Executable<MatmulTensors> output;

    public UnfusedAttention(IPlanFactory plans, AttentionProblem p)
    {
        if (!p.HasPlainKeys)
        {
            throw new NotSupportedException(
                "Weights = true is built for contiguous K and V of Q's type (Kv = Contiguous, KvType = Type, Packed = null); "
                + "fused attention takes all layouts.");
        }
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
        });
        softmax = plans.Softmax(new SoftmaxProblem
        {
            Batch = p.Batch,
            Heads = p.HeadsQ,
            Rows = p.SeqQ,
            Columns = p.SeqKv,
            Scale = p.EffectiveScale,
            Softcap = p.Softcap,
            Causal = p.Causal,
            Alignment = p.Alignment,
            WindowLeft = p.WindowLeft,
            WindowRight = p.WindowRight,
            KeyLengths = p.KeyLengths,
            Mask = p.Mask,
            Bias = p.Bias,
            BiasType = p.BiasType,
            Alibi = p.Alibi,
            Sinks = p.Sinks,
            HeadScales = p.HeadScales,
            Documents = p.Documents,
            Blocks = p.Blocks,
            Lse = p.Lse,
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

    public override long WorkspaceBytes => scores.WorkspaceBytes + softmax.WorkspaceBytes + output.WorkspaceBytes;

    public override string Explain() =>
        $"unfused, because the weights are wanted: scores [{scores.Explain()}], softmax [{softmax.Explain()}], output [{output.Explain()}]";

    public override void Run(in AttentionTensors t, DeviceStream stream, CancellationToken cancel)
    {
        TensorView w = t.Weights;
        scores.Run(new MatmulTensors { A = t.Q, B = t.K.Transpose(2, 3), C = w }, stream, cancel);
        softmax.Run(
            new SoftmaxTensors
            {
                X = w,
                Y = w,
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
            },
            stream,
            cancel);
        output.Run(new MatmulTensors { A = w, B = t.V, C = t.O }, stream, cancel);
    }

    public override void Dispose()
    {
        scores.Dispose();
        softmax.Dispose();
        output.Dispose();
        base.Dispose();
    }
}
