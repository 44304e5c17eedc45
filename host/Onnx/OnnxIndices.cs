using AttnKernels.Kernels;

namespace AttnKernels.Onnx;

/// <summary>
/// The int64 numbers of a graph as the Int32 that kernels read. A tensor has one of two forms: Int32 of the node's shape, taken as it is,
/// or the graph's memory seen as Int32 with a last axis of 2, the words of each int64, the low one first: these are copied to a workspace.
/// </summary>
internal sealed class OnnxIndices : IDisposable
{
    private const int Words = 2;

    private readonly AttentionDevice device;
    private readonly int[] shape;
    private readonly int count;
    private readonly CacheAppendPlan copy;
    private readonly StreamWorkspace narrow;

    public OnnxIndices(AttentionDevice device, params int[] shape)
    {
        (this.device, this.shape) = (device, shape);
        count = OnnxCheck.Product(shape);
        copy = device.Plan(new CacheAppendProblem { Batch = 1, Heads = 1, Capacity = count, Rows = count, HeadDim = 1 });
        narrow = new StreamWorkspace(device.Backend, (long)count * sizeof(int));
    }

    public long WorkspaceBytes => narrow.Bytes + copy.WorkspaceBytes;

    /// <summary>The numbers, once the stream has come so far.</summary>
    public TensorView Narrow(string name, in TensorView view, DeviceStream? stream, CancellationToken cancel)
    {
        if (view.Rank != shape.Length + 1) return view;
        if (view.Type != DType.Int32 || view.Size(-1) != Words || !view.Shape[..^1].SequenceEqual(shape) || !view.IsContiguous)
        {
            throw new ArgumentException(
                $"{name}: expected Int32 {Sizes.Format(shape)}, or the words of as many int64, low ones first, dense; got {view}.", name);
        }
        DeviceBuffer target = narrow.For(device.Use(stream));
        copy.Run(
            new CacheAppendTensors
            {
                Cache = new TensorView(target, DType.Float32, 0, [1, 1, count, 1], [count, count, 1, 1]),
                Update = new TensorView(view.Buffer!, DType.Float32, view.Offset, [1, 1, count, 1], [count, count, Words, 1]),
            },
            stream, cancel);
        return new TensorView(target, DType.Int32, 0, [count], [1]).Reshape(shape);
    }

    public void Dispose()
    {
        copy.Dispose();
        narrow.Dispose();
    }
}
