namespace AttnKernels.Onnx;

/// <summary>
/// ONNX TensorScatter (opset 24): a copy of past_cache with update written along one axis from write_indices[batch] on, in mode linear or circular.
/// </summary>
internal static class OnnxTensorScatter
{
    public static OnnxTensor Run(AttentionDevice device, OnnxNode node, IReadOnlyList<OnnxTensor?> inputs)
    {
        OnnxTensor cache = inputs[0]!, update = inputs[1]!;
        OnnxTensor? starts = inputs.Count > 2 ? inputs[2] : null;
        int axis = (int)node.Integer("axis", -2);
        if (axis < 0) axis += cache.Rank;
        if (axis <= 0 || axis >= cache.Rank)
            throw new ArgumentException($"axis is not among 1..{cache.Rank - 1}: TensorScatter's first axis is the batch.");
        string mode = node.Text("mode", "linear");
        if (mode is not ("linear" or "circular")) throw new ArgumentException($"mode is linear or circular, not '{mode}'.");

        // The axes before and after the scattered one are heads and elements of a row.
        int batch = cache.Shape[0];
        int heads = Product(cache.Shape.AsSpan(1, axis - 1)), dim = Product(cache.Shape.AsSpan(axis + 1));
        int capacity = cache.Shape[axis], rows = update.Shape[axis];
        using CacheAppendPlan plan = device.Plan(new CacheAppendProblem
        {
            Batch = batch,
            Heads = heads,
            Capacity = capacity,
            Rows = rows,
            Dim = dim,
            Type = OnnxTensor.StorageOf(cache.Type),
            Circular = mode == "circular",
            Starts = starts is not null,
        });
        using DeviceTensor deviceCache = cache.Reshape(batch, heads, capacity, dim).Upload(device);
        using DeviceTensor deviceUpdate = update.Reshape(batch, heads, rows, dim).Upload(device);
        using DeviceTensor? deviceStarts =
            starts is null ? null : device.Upload(Array.ConvertAll(starts.ToInt64s(), start => checked((int)start)), batch);
        plan.Run(new CacheAppendTensors
        {
            Cache = deviceCache,
            Update = deviceUpdate,
            Starts = deviceStarts is null ? default : deviceStarts.View,
        });
        return OnnxTensor.FromFloats(cache.Type, deviceCache.ToFloats(), cache.Shape);
    }

    private static int Product(ReadOnlySpan<int> sizes)
    {
        int product = 1;
        foreach (int size in sizes) product *= size;
        return product;
    }
}
