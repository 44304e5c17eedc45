using System.Runtime.InteropServices;

namespace AttnKernels.Onnx;

/// <summary>Runs the nodes with one output on tensors of the host, through their entry points.</summary>
internal static class OnnxPlainNodes
{
    public static OnnxTensor MatMul(AttentionDevice device, OnnxTensor a, OnnxTensor b)
    {
        if (a.Type != b.Type) throw new ArgumentException($"MatMul of {a.Type} and {b.Type}.");
        DType type = OnnxTensor.StorageOf(a.Type);
        using OnnxMatMul plan = OnnxMatMul.Plan(device, type, a.Shape, b.Shape);
        using DeviceTensor deviceA = a.Upload(device), deviceB = b.Upload(device);
        int[] shape = [.. plan.OutputShape];
        using DeviceTensor y = device.Allocate(type, shape.Length == 0 ? [1] : shape);
        plan.Run(deviceA, deviceB, y);
        return OnnxTensor.FromFloats(a.Type, y.ToFloats(), shape);
    }

    public static OnnxTensor Softmax(AttentionDevice device, OnnxNode node, OnnxTensor x, bool log)
    {
        DType type = OnnxTensor.StorageOf(x.Type);
        OnnxSoftmaxAttributes attributes = new()
        {
            Axis = node.Attributes.ContainsKey("axis") ? checked((int)node.Integer("axis", 0)) : null,
            Log = log,
            Flattens = node.Opset < 13,
        };
        using OnnxSoftmax plan = OnnxSoftmax.Plan(device, attributes, type, x.Shape);
        using DeviceTensor y = x.Upload(device);
        using DeviceTensor? scratch = plan.ScratchShape.Count == 0 ? null : device.Allocate(type, [.. plan.ScratchShape]);
        plan.Run(y, y, scratch);
        return OnnxTensor.FromFloats(x.Type, y.ToFloats(), x.Shape);
    }

    public static OnnxTensor RotaryEmbedding(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor x = inputs[0]!, cos = inputs[1]!, sin = inputs[2]!;
        OnnxTensor? positions = inputs.Count > 3 ? inputs[3] : null;
        OnnxRotaryAttributes attributes = new()
        {
            NumHeads = checked((int)node.Integer("num_heads", 0)),
            RotaryEmbeddingDim = checked((int)node.Integer("rotary_embedding_dim", 0)),
            Interleaved = node.Integer("interleaved", 0) != 0,
        };
        OnnxRotaryShapes shapes = new()
        {
            Type = OnnxTensor.StorageOf(x.Type), X = x.Shape, MaxPosition = positions is null ? null : cos.Shape[0],
        };
        using OnnxRotaryEmbedding plan = OnnxRotaryEmbedding.Plan(device, attributes, shapes);
        using DeviceTensor y = x.Upload(device), deviceCos = cos.Upload(device), deviceSin = sin.Upload(device);
        using DeviceTensor? devicePositions = Words(device, positions);
        plan.Run(new RotaryTensors { X = y, Y = y, Cos = deviceCos, Sin = deviceSin, Positions = devicePositions });
        return OnnxTensor.FromFloats(x.Type, y.ToFloats(), x.Shape);
    }

    public static OnnxTensor TensorScatter(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor cache = inputs[0]!, update = inputs[1]!;
        OnnxTensor? starts = inputs.Count > 2 ? inputs[2] : null;
        string mode = node.Text("mode", "linear");
        if (mode is not ("linear" or "circular")) throw new ArgumentException($"mode is linear or circular, not '{mode}'.");
        OnnxTensorScatterShapes shapes = new()
        {
            Type = OnnxTensor.StorageOf(cache.Type), Cache = cache.Shape, Update = update.Shape, WriteIndices = starts is not null,
        };
        OnnxTensorScatterAttributes attributes = new() { Axis = checked((int)node.Integer("axis", -2)), Circular = mode == "circular" };
        using OnnxTensorScatter plan = OnnxTensorScatter.Plan(device, attributes, shapes);
        using DeviceTensor past = cache.Upload(device), deviceUpdate = update.Upload(device);
        using DeviceTensor present = device.Allocate(shapes.Type, cache.Shape);
        using DeviceTensor? deviceStarts = Words(device, starts);
        plan.Run(new() { PastCache = past, Update = deviceUpdate, PresentCache = present, WriteIndices = deviceStarts });
        return OnnxTensor.FromFloats(cache.Type, present.ToFloats(), cache.Shape);
    }

    /// <summary>The graph's int64 as the entry points take them: as they lie in memory.</summary>
    private static DeviceTensor? Words(AttentionDevice device, OnnxTensor? tensor) =>
        tensor is null ? null : device.Upload<int>(MemoryMarshal.Cast<long, int>(tensor.ToInt64s()), [.. tensor.Shape, 2]);
}
