namespace AttnKernels.Onnx;

/// <summary>
/// ONNX Softmax and LogSoftmax, prepared once for the shape of a node: along one axis since opset 13; before, over all axes from that one
/// on, taken as one. Specification: https://onnx.ai/onnx/operators/onnx__Softmax.html. Threads and streams as for
/// <see cref="SoftmaxPlan"/>.
/// </summary>
public sealed class OnnxSoftmax : IDisposable
{
    private readonly SoftmaxPlan softmax;
    private readonly CacheAppendPlan? transpose;
    private readonly int[] shape;
    private readonly int outer, columns, inner;

    private OnnxSoftmax(AttentionDevice device, OnnxSoftmaxAttributes attributes, DType type, int[] shape)
    {
        if (shape.Length == 0) throw new ArgumentException("Softmax does not take scalars.");
        this.shape = shape;
        int axis = OnnxCheck.Axis(attributes.Axis ?? (attributes.Flattens ? 1 : -1), shape.Length);
        int end = attributes.Flattens ? shape.Length : axis + 1;
        outer = OnnxCheck.Product(shape.AsSpan(0, axis));
        columns = OnnxCheck.Product(shape.AsSpan(axis, end - axis));
        inner = OnnxCheck.Product(shape.AsSpan(end));
        softmax = device.Plan(new SoftmaxProblem { Type = type, Rows = checked(outer * inner), Columns = columns, Log = attributes.Log });
        if (inner == 1) return;

        // Rows of one element can be laid out in any order, so that copying them exchanges two axes.
        transpose = device.Plan(
            new CacheAppendProblem { Batch = outer, Heads = columns, Capacity = inner, Rows = inner, HeadDim = 1, Type = type });
    }

    /// <summary>The softmax that runs.</summary>
    public SoftmaxProblem Problem => softmax.Problem;

    /// <summary>Shape of the scratch tensor that Run needs, where elements of the axis do not lie side by side; else empty: none.</summary>
    public IReadOnlyList<int> ScratchShape => transpose is null ? [] : [outer, inner, columns];

    /// <summary>Checks the node and prepares its kernels.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="attributes">The node's attributes.</param>
    /// <param name="type">Type of X and Y.</param>
    /// <param name="shape">Shape of X and Y, 1 to 5 axes.</param>
    /// <exception cref="ArgumentException">The specification forbids these attributes for this shape.</exception>
    public static OnnxSoftmax Plan(AttentionDevice device, OnnxSoftmaxAttributes attributes, DType type, IReadOnlyList<int> shape)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(attributes);
        ArgumentNullException.ThrowIfNull(shape);
        return new OnnxSoftmax(device, attributes, type, [.. shape]);
    }

    /// <summary>Checks the tensors and queues the node, as <see cref="SoftmaxPlan"/> does.</summary>
    /// <param name="x">Input, dense.</param>
    /// <param name="y">Output, dense; X itself, or memory that overlaps nothing.</param>
    /// <param name="scratch">Dense memory of <see cref="ScratchShape"/> and the same type, whose contents are lost; default where that is
    /// empty. Runs that may overlap need one each.</param>
    /// <param name="stream">A stream of the device.</param>
    /// <param name="cancel">Stops the run.</param>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps an output, or has the wrong shape, type, strides or
    /// device. Nothing has been written.</exception>
    public void Run(
        in TensorView x,
        in TensorView y,
        in TensorView scratch = default,
        DeviceStream? stream = null,
        CancellationToken cancel = default)
    {
        OnnxCheck.Dense("X", x, shape);
        OnnxCheck.Dense("Y", y, shape);
        OnnxCheck.Optional("Scratch", scratch, transpose is not null, outer, inner, columns);
        int rows = outer * inner;
        if (transpose is null)
        {
            softmax.Run(new SoftmaxTensors { X = x.Reshape(rows, columns), Y = y.Reshape(rows, columns) }, stream, cancel);
            return;
        }
        OnnxCheck.Dense("Scratch", scratch, outer, inner, columns);
        TensorView moved = scratch.Transpose(1, 2).Unsqueeze(-1), lines = scratch.Reshape(rows, columns);
        CacheAppendTensors gather = new() { Cache = moved, Update = x.Reshape(outer, columns, inner, 1) };
        CacheAppendTensors scatter = new() { Cache = y.Reshape(outer, columns, inner, 1), Update = moved };
        SoftmaxTensors inPlace = new() { X = lines, Y = lines };
        transpose.Verify(gather);
        transpose.Verify(scatter);
        softmax.Verify(inPlace);
        transpose.Run(gather, stream, cancel);
        softmax.Run(inPlace, stream, cancel);
        transpose.Run(scatter, stream, cancel);
    }

    /// <summary>Frees the plans.</summary>
    public void Dispose()
    {
        softmax.Dispose();
        transpose?.Dispose();
    }
}

/// <summary>The attributes of an ONNX Softmax or LogSoftmax node.</summary>
public sealed record OnnxSoftmaxAttributes
{
    /// <summary>axis, which may count from the end; null = not given: the last axis, or 1 where <see cref="Flattens"/>.</summary>
    public int? Axis { get; init; }

    /// <summary>The node is LogSoftmax.</summary>
    public bool Log { get; init; }

    /// <summary>Opset below 13: all axes from <see cref="Axis"/> on are one row.</summary>
    public bool Flattens { get; init; }
}
