namespace AttnKernels.Onnx;

/// <summary>ONNX Softmax and LogSoftmax: along one axis since opset 13; before, over all axes from that one on, taken as one.</summary>
internal static class OnnxSoftmax
{
    public static OnnxTensor Run(AttentionDevice device, OnnxNode node, OnnxTensor x, bool log)
    {
        if (x.Rank == 0) throw new ArgumentException($"{node.Operator} does not take scalars.");
        bool flattens = node.Opset < 13;
        int axis = (int)node.Integer("axis", flattens ? 1 : -1);
        if (axis < 0) axis += x.Rank;
        if (axis < 0 || axis >= x.Rank) throw new ArgumentException($"axis is not in a tensor of {x.Rank} axes.");

        // The kernel's rows are contiguous, so the axis is moved to the end; swapping it with the last axis is its own inverse.
        int[] order = [.. Enumerable.Range(0, x.Rank)];
        if (!flattens) (order[axis], order[^1]) = (order[^1], order[axis]);
        OnnxTensor moved = x.Permute(order);
        int columns = flattens ? x.Shape.Skip(axis).Aggregate(1, (count, size) => count * size) : x.Shape[axis];
        int rows = x.Count / columns;

        DType type = OnnxTensor.StorageOf(x.Type);
        using SoftmaxPlan plan = device.Plan(new SoftmaxProblem { Type = type, Rows = rows, Columns = columns, Log = log });
        using DeviceTensor y = moved.Reshape(rows, columns).Upload(device);
        plan.Run(new SoftmaxTensors { X = y, Y = y });
        return OnnxTensor.FromFloats(x.Type, y.ToFloats(), moved.Shape).Permute(order);
    }
}
