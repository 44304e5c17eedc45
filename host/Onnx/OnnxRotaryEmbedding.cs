namespace AttnKernels.Onnx;

/// <summary>
/// ONNX RotaryEmbedding (opset 23): X (batch, heads, seq, headDim), or (batch, seq, heads * headDim) with num_heads; the caches (position, rotaryDim / 2)
/// with position_ids (batch, seq), or (batch, seq, rotaryDim / 2) without.
/// </summary>
internal static class OnnxRotaryEmbedding
{
    public static OnnxTensor Run(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor x = inputs[0]!, cos = inputs[1]!, sin = inputs[2]!;
        OnnxTensor? positions = inputs.Count > 3 ? inputs[3] : null;
        if (x.Rank is not (3 or 4)) throw new ArgumentException($"RotaryEmbedding takes tensors of 3 or 4 axes, not {x.Rank}.");
        int heads = x.Rank == 4 ? x.Shape[1] : (int)node.Integer("num_heads", 0);
        if (heads <= 0 || (x.Rank == 3 && x.Shape[2] % heads != 0))
            throw new ArgumentException($"num_heads = {heads} does not divide a hidden size of {x.Shape[^1]}.");
        int headDim = x.Rank == 4 ? x.Shape[3] : x.Shape[2] / heads;
        int rotaryDim = (int)node.Integer("rotary_embedding_dim", 0);

        using RotaryPlan plan = device.Plan(new RotaryProblem
        {
            Batch = x.Shape[0],
            Heads = heads,
            Seq = x.Shape[^2],
            HeadDim = headDim,
            RotaryDim = rotaryDim == 0 ? headDim : rotaryDim,
            Interleaved = node.Integer("interleaved", 0) != 0,
            MaxPosition = positions is null ? 0 : cos.Shape[0],
            Type = OnnxTensor.StorageOf(x.Type),
        });
        using DeviceTensor y = x.Upload(device), deviceCos = cos.Upload(device), deviceSin = sin.Upload(device);
        int[]? rows = positions is null ? null : Array.ConvertAll(positions.ToInt64s(), position => checked((int)position));
        using DeviceTensor? devicePositions = rows is null ? null : device.Upload(rows, positions!.Shape);
        TensorView heads4 = x.Rank == 4 ? y : y.View.SplitAxis(2, heads, headDim).Transpose(1, 2);
        plan.Run(new RotaryTensors
        {
            X = heads4,
            Y = heads4,
            Cos = deviceCos,
            Sin = deviceSin,
            Positions = devicePositions is null ? default : devicePositions.View,
        });
        return OnnxTensor.FromFloats(x.Type, y.ToFloats(), x.Shape);
    }
}
