namespace AttnKernels.Onnx;

/// <summary>present = past followed by the new rows, along the third axis.</summary>
internal sealed class OnnxPresent : IDisposable
{
    private readonly CacheAppendPlan fresh;
    private readonly CacheAppendPlan? past;
    private readonly int pastLength;
    private readonly int newKeys;

    public OnnxPresent(AttentionDevice device, OnnxAttentionSizes sizes, OnnxAttentionShapes shapes, int dim)
    {
        (pastLength, newKeys) = (sizes.PastLength, sizes.NewKeys);
        fresh = Copy(newKeys);
        past = pastLength > 0 ? Copy(pastLength) : null;

        CacheAppendPlan Copy(int rows) => device.Plan(new CacheAppendProblem
        {
            Batch = sizes.Batch,
            Heads = sizes.HeadsKv,
            Capacity = rows,
            Rows = rows,
            HeadDim = dim,
            Type = shapes.Type,
        });
    }

    /// <summary>Throws what <see cref="Run"/> would.</summary>
    public void Verify(in TensorView rows, in TensorView pastRows, in TensorView present)
    {
        past?.Verify(Past(pastRows, present));
        fresh.Verify(Fresh(rows, present));
    }

    public void Run(in TensorView rows, in TensorView pastRows, in TensorView present, DeviceStream? stream, CancellationToken cancel)
    {
        past?.Run(Past(pastRows, present), stream, cancel);
        fresh.Run(Fresh(rows, present), stream, cancel);
    }

    public void Dispose()
    {
        fresh.Dispose();
        past?.Dispose();
    }

    private CacheAppendTensors Past(in TensorView rows, in TensorView present) =>
        new() { Cache = present.Slice(2, 0, pastLength), Update = rows };

    private CacheAppendTensors Fresh(in TensorView rows, in TensorView present) =>
        new() { Cache = present.Slice(2, pastLength, newKeys), Update = rows };
}
