using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated cache append with its kernel, ready to run any number of times. Threads as in <see cref="AttentionPlan"/>.</summary>
public sealed class CacheAppendPlan : IDisposable
{
    private static readonly string[] Names = ["Cache", "Update", "Starts"];

    private readonly CacheAppendExecutable executable;
    private bool disposed;

    internal CacheAppendPlan(AttentionDevice device, CacheAppendProblem problem, CacheAppendExecutable executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it does.</summary>
    public CacheAppendProblem Problem { get; }

    /// <inheritdoc cref="AttentionPlan.Explain"/>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <inheritdoc cref="AttentionPlan.Run"/>
    public void Run(in CacheAppendTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        CacheAppendTensors t = Check(tensors);
        ReadOnlySpan<TensorView> views = [t.Cache, t.Update, t.Starts];
        Overlap.Refuse(views, Names, outputs: 1);
        using TensorHold hold = new(views, Names);
        lock (queue.Gate) executable.Run(t, queue, cancel);
    }

    /// <inheritdoc cref="AttentionPlan.Dispose"/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        executable.Dispose();
    }

    private CacheAppendTensors Check(in CacheAppendTensors t)
    {
        CacheAppendProblem p = Problem;
        TensorCheck check = new(Device);
        CacheAppendTensors checkedTensors = new()
        {
            Cache = check.Rows(nameof(t.Cache), t.Cache, p.Type, p.Batch, p.Heads, p.Capacity, p.Dim),
            Update = check.Rows(nameof(t.Update), t.Update, p.Type, p.Batch, p.Heads, p.Rows, p.Dim),
            Starts = p.Starts ? check.Dense(nameof(t.Starts), t.Starts, DType.Int32, p.Batch) : default,
        };
        if (!p.Starts) check.Absent(nameof(t.Starts), t.Starts, nameof(p.Starts));
        TensorCheck.RequireDistinct(nameof(t.Cache), checkedTensors.Cache);
        return checkedTensors;
    }
}
