namespace AttnKernels.Onnx;

/// <summary>
/// ONNX RotaryEmbedding (opset 23), prepared once for the shapes of a node. X and Y of rank 3 are views (batch, heads, seq, headDim) of the
/// same memory. Specification: https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html. Threads and streams as for
/// <see cref="RotaryPlan"/>.
/// </summary>
public sealed class OnnxRotaryEmbedding : IDisposable
{
    private readonly RotaryPlan plan;
    private readonly OnnxIndices? positions;
    private readonly int rank;

    private OnnxRotaryEmbedding(AttentionDevice device, OnnxRotaryAttributes attributes, OnnxRotaryShapes shapes)
    {
        IReadOnlyList<int> x = shapes.X;
        rank = x.Count;
        if (rank is not (3 or 4)) throw new ArgumentException($"RotaryEmbedding takes tensors of 3 or 4 axes, not {rank}.");
        int heads = rank == 4 ? x[1] : attributes.NumHeads;
        if (heads <= 0 || (rank == 3 && x[2] % heads != 0))
            throw new ArgumentException($"num_heads = {heads} does not divide a hidden size of {x[^1]}.");
        int headDim = rank == 4 ? x[3] : x[2] / heads;
        plan = device.Plan(new RotaryProblem
        {
            Batch = x[0],
            Heads = heads,
            Seq = x[^2],
            HeadDim = headDim,
            RotaryDim = attributes.RotaryEmbeddingDim == 0 ? headDim : attributes.RotaryEmbeddingDim,
            Interleaved = attributes.Interleaved,
            MaxPosition = shapes.MaxPosition ?? 0,
            Type = shapes.Type,
        });
        if (shapes.MaxPosition is not null) positions = new OnnxIndices(device, x[0], x[^2]);
    }

    /// <summary>The embedding that runs.</summary>
    public RotaryProblem Problem => plan.Problem;

    /// <summary>Checks the node and prepares its kernel.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="shapes">The node's inputs.</param>
    /// <exception cref="ArgumentException">The specification forbids these attributes or shapes.</exception>
    public static OnnxRotaryEmbedding Plan(AttentionDevice device, OnnxRotaryAttributes attributes, OnnxRotaryShapes shapes)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(attributes);
        ArgumentNullException.ThrowIfNull(shapes);
        return new OnnxRotaryEmbedding(device, attributes, shapes);
    }

    /// <summary>Checks the tensors and queues the node, as <see cref="RotaryPlan"/> does. X and Y have the node's shape; the positions are
    /// the int64's memory seen as Int32 (batch, seq, 2), the words of each number, the low one first; or Int32 (batch, seq).</summary>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps the output, or has the wrong shape, type, strides or
    /// device. Nothing has been written.</exception>
    public void Run(in RotaryTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        RotaryProblem p = plan.Problem;
        using Lock.Scope whole = plan.Device.Use(stream).Enter(Problem); // its parts hand on a workspace of the stream
        plan.Run(
            tensors with
            {
                X = OnnxCheck.Heads(nameof(tensors.X), tensors.X, rank, p.Heads, p.HeadDim),
                Y = OnnxCheck.Heads(nameof(tensors.Y), tensors.Y, rank, p.Heads, p.HeadDim),
                Positions = positions is null ? tensors.Positions
                    : positions.Narrow(nameof(tensors.Positions), tensors.Positions, stream, cancel),
            },
            stream, cancel);
    }

    /// <summary>Frees the plan and its workspace.</summary>
    public void Dispose()
    {
        plan.Dispose();
        positions?.Dispose();
    }
}

/// <summary>The attributes of an ONNX RotaryEmbedding node, with the operator's defaults.</summary>
public sealed record OnnxRotaryAttributes
{
    /// <summary>num_heads, needed where X has rank 3; 0 = not given.</summary>
    public int NumHeads { get; init; }

    /// <summary>rotary_embedding_dim; 0 = all of the head.</summary>
    public int RotaryEmbeddingDim { get; init; }

    /// <summary>interleaved.</summary>
    public bool Interleaved { get; init; }
}

/// <summary>The inputs of an ONNX RotaryEmbedding node.</summary>
public sealed record OnnxRotaryShapes
{
    /// <summary>Type of X, Y and the caches. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>X and Y: (batch, heads, seq, headDim), or (batch, seq, heads * headDim).</summary>
    public required IReadOnlyList<int> X { get; init; }

    /// <summary>Rows of the caches where the node has position_ids; null = it has none, and the caches are (batch, seq,
    /// rotaryDim / 2).</summary>
    public int? MaxPosition { get; init; }
}
