namespace AttnKernels.Onnx;

/// <summary>
/// ONNX TensorScatter (opset 24), prepared once for the shapes of a node: present_cache is a copy of past_cache with update written along
/// one axis from write_indices[batch] on. Where both caches are one view, nothing is copied: the cache is updated in place.
/// Specification: https://onnx.ai/onnx/operators/onnx__TensorScatter.html. Threads and streams as for <see cref="CacheAppendPlan"/>.
/// </summary>
public sealed class OnnxTensorScatter : IDisposable
{
    private readonly CacheAppendPlan copy;
    private readonly CacheAppendPlan append;
    private readonly OnnxIndices? indices;
    private readonly int[] cacheShape, updateShape;

    private OnnxTensorScatter(AttentionDevice device, OnnxTensorScatterAttributes attributes, OnnxTensorScatterShapes shapes)
    {
        (cacheShape, updateShape) = ([.. shapes.Cache], [.. shapes.Update]);
        if (cacheShape.Length < 2)
            throw new ArgumentException($"past_cache {Sizes.Format(cacheShape)} needs 2 axes or more: the batch, and one to write along.");
        int axis = OnnxCheck.Axis(attributes.Axis, cacheShape.Length, first: 1);
        if (updateShape.Length != cacheShape.Length)
            throw new ArgumentException($"update {Sizes.Format(updateShape)} has not the axes of the cache {Sizes.Format(cacheShape)}.");
        for (int other = 0; other < cacheShape.Length; other++)
        {
            if (other != axis && updateShape[other] != cacheShape[other])
            {
                throw new ArgumentException(
                    $"update {Sizes.Format(updateShape)} differs from the cache {Sizes.Format(cacheShape)} beside axis {axis}.");
            }
        }

        // The axes before and after the scattered one are heads and elements of a row.
        CacheAppendProblem whole = new()
        {
            Batch = cacheShape[0],
            Heads = OnnxCheck.Product(cacheShape.AsSpan(1, axis - 1)),
            Capacity = cacheShape[axis],
            Rows = cacheShape[axis],
            HeadDim = OnnxCheck.Product(cacheShape.AsSpan(axis + 1)),
            Type = shapes.Type,
        };
        copy = device.Plan(whole);
        append = device.Plan(whole with
        {
            Rows = updateShape[axis],
            Kv = attributes.Circular ? KvLayout.Ring : default,
            Starts = shapes.WriteIndices,
        });
        if (shapes.WriteIndices) indices = new OnnxIndices(device, cacheShape[0]);
    }

    /// <summary>The update that runs.</summary>
    public CacheAppendProblem Problem => append.Problem;

    /// <summary>Checks the node and prepares its kernel.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="shapes">The node's inputs.</param>
    /// <exception cref="ArgumentException">The specification forbids these attributes or shapes.</exception>
    public static OnnxTensorScatter Plan(AttentionDevice device, OnnxTensorScatterAttributes attributes, OnnxTensorScatterShapes shapes)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(attributes);
        ArgumentNullException.ThrowIfNull(shapes);
        return new OnnxTensorScatter(device, attributes, shapes);
    }

    /// <summary>Checks the tensors and queues the node, as <see cref="CacheAppendPlan"/> does.</summary>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps the output, or has the wrong shape, type, strides or
    /// device, or, on the CPU device, an index that does not fit: nothing has been written.</exception>
    public void Run(in OnnxTensorScatterTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        OnnxTensorScatterTensors t = tensors;
        OnnxCheck.Dense(nameof(t.PastCache), t.PastCache, cacheShape);
        OnnxCheck.Dense(nameof(t.Update), t.Update, updateShape);
        OnnxCheck.Dense(nameof(t.PresentCache), t.PresentCache, cacheShape);
        CacheAppendProblem p = append.Problem;
        TensorView cache = t.PresentCache.Reshape(p.Batch, p.Heads, p.Capacity, p.HeadDim);
        CacheAppendTensors past = new() { Cache = cache, Update = t.PastCache.Reshape(p.Batch, p.Heads, p.Capacity, p.HeadDim) };
        TensorView rows = t.Update.Reshape(p.Batch, p.Heads, p.Rows, p.HeadDim);
        using Lock.Scope whole = append.Device.Use(stream).Enter(Problem); // its parts hand on a workspace of the stream
        TensorView starts = indices is null ? t.WriteIndices : indices.Narrow(nameof(t.WriteIndices), t.WriteIndices, stream, cancel);
        CacheAppendTensors fresh = new() { Cache = cache, Update = rows, Starts = starts };
        bool isInPlace = Plans.Overlap.Same(past.Update, past.Cache);

        append.Verify(fresh);
        if (!isInPlace) copy.Run(past, stream, cancel);
        append.Run(fresh, stream, cancel);
    }

    /// <summary>Frees the plans and their workspace.</summary>
    public void Dispose()
    {
        copy.Dispose();
        append.Dispose();
        indices?.Dispose();
    }
}

/// <summary>The attributes of an ONNX TensorScatter node, with the operator's defaults.</summary>
public sealed record OnnxTensorScatterAttributes
{
    /// <summary>axis, which may count from the end; never the first, which is the batch.</summary>
    public int Axis { get; init; } = -2;

    /// <summary>mode: rows past the end continue at the beginning (circular) instead of having to fit (linear).</summary>
    public bool Circular { get; init; }
}

/// <summary>The inputs of an ONNX TensorScatter node, of up to 5 axes.</summary>
public sealed record OnnxTensorScatterShapes
{
    /// <summary>Type of the caches and the update. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>past_cache and present_cache.</summary>
    public required IReadOnlyList<int> Cache { get; init; }

    /// <summary>update: the cache's shape but for the axis.</summary>
    public required IReadOnlyList<int> Update { get; init; }

    /// <summary>The node has write_indices.</summary>
    public bool WriteIndices { get; init; }
}

/// <summary>What a run of <see cref="OnnxTensorScatter"/> reads and writes; all dense.</summary>
public readonly struct OnnxTensorScatterTensors
{
    /// <summary>past_cache.</summary>
    public required TensorView PastCache { get; init; }

    /// <summary>update.</summary>
    public required TensorView Update { get; init; }

    /// <summary>Output: present_cache; past_cache itself, or memory that overlaps nothing.</summary>
    public required TensorView PresentCache { get; init; }

    /// <summary>
    /// write_indices: the int64's memory seen as Int32 (batch, 2), the words of each number, the low one first; or Int32 (batch).
    /// </summary>
    public TensorView WriteIndices { get; init; }
}
