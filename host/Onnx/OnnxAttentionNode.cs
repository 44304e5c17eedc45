using System.Runtime.InteropServices;

namespace AttnKernels.Onnx;

/// <summary>Runs an Attention node on tensors of the host, through <see cref="OnnxAttention"/>.</summary>
internal static class OnnxAttentionNode
{
    public static OnnxTensor?[] Run(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor q = inputs[0]!, k = inputs[1]!, v = inputs[2]!;
        OnnxTensor? pastKey = Optional(inputs, 4), pastValue = Optional(inputs, 5), nonpad = Optional(inputs, 6);
        if (k.Type != q.Type || v.Type != q.Type)
            throw new NotSupportedException($"Q, K and V of different types ({q.Type}, {k.Type}, {v.Type}); one type for all is built.");
        if ((pastKey is null) != (pastValue is null)) throw new ArgumentException("past_key and past_value come together.");
        int past = pastKey?.Shape[2] ?? 0;
        OnnxTensor? mask = Optional(inputs, 3) is { } given ? Storable(given) : null;
        int mode = checked((int)node.Integer("qk_matmul_output_mode", 0));
        bool wantsScores = node.Wants(3);

        OnnxAttentionShapes shapes = new()
        {
            Type = OnnxTensor.StorageOf(q.Type),
            Q = q.Shape,
            K = k.Shape,
            V = v.Shape,
            Mask = mask?.Shape,
            MaskType = mask is null ? DType.Bool : OnnxTensor.StorageOf(mask.Type),
            PastLength = pastKey is null ? null : past,
            NonpadKvSeqlen = nonpad is not null,
            Present = node.Wants(1) || node.Wants(2),
            QkMatmulOutput = wantsScores,
        };
        using OnnxAttention attention = OnnxAttention.Plan(device, Attributes(node, mode), shapes);
        AttentionProblem p = attention.Problem;
        bool hasPresent = shapes.Present || pastKey is not null;
        using DeviceTensor deviceQ = q.Upload(device), deviceK = k.Upload(device), deviceV = v.Upload(device);
        using DeviceTensor? deviceMask = mask?.Upload(device);
        using DeviceTensor? devicePastK = past > 0 ? pastKey!.Upload(device) : null;
        using DeviceTensor? devicePastV = past > 0 ? pastValue!.Upload(device) : null;
        using DeviceTensor? deviceLengths = nonpad is null ? null
            : device.Upload(MemoryMarshal.Cast<long, int>(nonpad.ToInt64s()), p.Batch, 2);
        using DeviceTensor y = device.Allocate(p.Type, [.. attention.OutputShape]);
        using DeviceTensor? presentK = hasPresent ? device.Allocate(p.Type, p.Batch, p.HeadsKv, attention.TotalKeys, p.HeadDim) : null;
        using DeviceTensor? presentV = hasPresent ? device.Allocate(p.Type, p.Batch, p.HeadsKv, attention.TotalKeys, p.HeadDimV) : null;
        using DeviceTensor? scores = wantsScores
            ? device.Allocate(p.Type, p.Batch, p.HeadsQ, p.SeqQ, attention.TotalKeys)
            : null;
        attention.Run(new OnnxAttentionTensors
        {
            Q = deviceQ,
            K = deviceK,
            V = deviceV,
            Y = y,
            Mask = deviceMask,
            PastKey = devicePastK,
            PastValue = devicePastV,
            NonpadKvSeqlen = deviceLengths,
            PresentKey = presentK,
            PresentValue = presentV,
            QkMatmulOutput = scores,
        });

        return
        [
            Host(q.Type, y)!,
            node.Wants(1) ? Host(q.Type, presentK) : null,
            node.Wants(2) ? Host(q.Type, presentV) : null,
            Host(q.Type, scores),
        ];
    }

    private static OnnxAttentionAttributes Attributes(OnnxNode node, int mode) => new()
    {
        QNumHeads = checked((int)node.Integer("q_num_heads", 0)),
        KvNumHeads = checked((int)node.Integer("kv_num_heads", 0)),
        IsCausal = node.Integer("is_causal", 0) != 0,
        Scale = node.Float("scale"),
        Softcap = node.Float("softcap") ?? 0,
        LeftWindowSize = checked((int)node.Integer("left_window_size", -1)),
        RightWindowSize = checked((int)node.Integer("right_window_size", -1)),
        QkMatmulOutputMode = mode,
    };

    private static OnnxTensor? Host(OnnxType type, DeviceTensor? tensor) =>
        tensor is null ? null : OnnxTensor.FromFloats(type, tensor.ToFloats(), tensor.Shape);

    private static OnnxTensor? Optional(IReadOnlyList<OnnxTensor?> inputs, int index) => index < inputs.Count ? inputs[index] : null;

    /// <summary>The mask in a type that kernels read: integers and double become float.</summary>
    private static OnnxTensor Storable(OnnxTensor mask) =>
        mask.Type is OnnxType.Bool or OnnxType.Float or OnnxType.Float16 or OnnxType.BFloat16
            ? mask : OnnxTensor.FromFloats(OnnxType.Float, mask.ToFloats(), mask.Shape);
}
