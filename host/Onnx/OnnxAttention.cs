namespace AttnKernels.Onnx;

/// <summary>
/// ONNX Attention, opsets 23 to 25, as an <see cref="AttentionProblem"/>. Inputs: Q, K, V, attn_mask, past_key, past_value, nonpad_kv_seqlen. Outputs: Y,
/// present_key, present_value, qk_matmul_output. How the operator's rules map:
/// <list type="bullet">
/// <item>rank 3 (batch, seq, heads * dim) is a view (batch, heads, seq, dim) of the same memory;</item>
/// <item>is_causal and the window are aligned top-left without a cache, at past length with past_key, bottom-right with nonpad_kv_seqlen, which is
/// the key lengths;</item>
/// <item>attn_mask: bool is the mask, anything else the bias; a mask shorter than the keys hides the rest;</item>
/// <item>softmax_precision: the softmax is in fp32, whatever lower or higher precision is asked for.</item>
/// </list>
/// </summary>
internal static class OnnxAttention
{
    /// <summary>What qk_matmul_output holds.</summary>
    private const int WeightsMode = 3;

    public static OnnxTensor?[] Run(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxAttentionInputs input = OnnxAttentionInputs.Read(node, inputs);
        int mode = (int)node.Integer("qk_matmul_output_mode", 0);
        bool wantsScores = node.Wants(3);
        AttentionProblem problem = Problem(node, input) with { Weights = wantsScores && mode == WeightsMode };

        using AttentionPlan plan = device.Plan(problem);
        using DeviceTensor q = input.Q.Upload(device), k = input.K.Upload(device), v = input.V.Upload(device);
        using DeviceTensor? mask = input.Mask?.Upload(device);
        using DeviceTensor? lengths = input.KeyLengths is null ? null : device.Upload<int>(input.KeyLengths, input.KeyLengths.Length);
        using DeviceTensor y = device.Allocate(problem.Type, input.OutputShape);
        using DeviceTensor? weights = problem.Weights
            ? device.Allocate(DType.Float32, problem.Batch, problem.HeadsQ, problem.SeqQ, problem.SeqKv)
            : null;
        AttentionTensors tensors = new()
        {
            Q = Heads(q, problem.HeadsQ, problem.HeadDim),
            K = Heads(k, problem.HeadsKv, problem.HeadDim),
            V = Heads(v, problem.HeadsKv, problem.HeadDimV),
            O = Heads(y, problem.HeadsQ, problem.HeadDimV),
            Weights = weights,
            Mask = problem.Mask ? mask : default(TensorView),
            Bias = problem.Bias ? mask : default(TensorView),
            KeyLengths = lengths,
        };
        plan.Run(tensors);

        OnnxTensor? scores = null;
        if (wantsScores)
        {
            float[] values = weights is null ? OnnxScores.Compute(device, problem, tensors, input, mode) : weights.ToFloats();
            scores = OnnxTensor.FromFloats(input.Type, values, problem.Batch, problem.HeadsQ, problem.SeqQ, problem.SeqKv);
        }
        return
        [
            OnnxTensor.FromFloats(input.Type, y.ToFloats(), input.OutputShape),
            node.Wants(1) ? input.PresentKey : null,
            node.Wants(2) ? input.PresentValue : null,
            scores,
        ];
    }

    private static AttentionProblem Problem(OnnxNode node, OnnxAttentionInputs input)
    {
        BandAlignment alignment = input.KeyLengths is not null ? BandAlignment.BottomRight : BandAlignment.At(input.PastLength);
        bool isCausal = node.Integer("is_causal", 0) != 0;
        return new AttentionProblem
        {
            Type = OnnxTensor.StorageOf(input.Type),
            Batch = input.Batch,
            HeadsQ = input.HeadsQ,
            HeadsKv = input.HeadsKv,
            SeqQ = input.SeqQ,
            SeqKv = input.SeqKv,
            HeadDim = input.HeadDim,
            HeadDimV = input.HeadDimV,
            Scale = node.Float("scale"),
            Softcap = node.Float("softcap") ?? 0,
            Causal = !isCausal ? CausalMask.None : input.KeyLengths is not null ? CausalMask.BottomRight : CausalMask.At(input.PastLength),
            Alignment = alignment,
            WindowLeft = Window(node, "left_window_size"),
            WindowRight = Window(node, "right_window_size"),
            KeyLengths = input.KeyLengths is not null,
            Mask = input.Mask is { Type: OnnxType.Bool },
            Bias = input.Mask is not null and not { Type: OnnxType.Bool },
            BiasType = input.Mask is null or { Type: OnnxType.Bool } ? DType.Float32 : OnnxTensor.StorageOf(input.Mask.Type),
        };
    }

    private static int? Window(OnnxNode node, string name)
    {
        long size = node.Integer(name, -1);
        if (size < -1) throw new ArgumentException($"{name} must be -1 or not negative, is {size}.");
        return size < 0 ? null : checked((int)size);
    }

    private static TensorView Heads(DeviceTensor tensor, int heads, int dim) =>
        tensor.View.Rank == 4 ? tensor.View : tensor.View.SplitAxis(2, heads, dim).Transpose(1, 2);
}
