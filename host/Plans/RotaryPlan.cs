using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated rotary embedding with its kernel, ready to run any number of times. Threads as in <see cref="AttentionPlan"/>.</summary>
public sealed class RotaryPlan : IDisposable
{
    private static readonly string[] Names = ["Y", "X", "Cos", "Sin", "Positions"];

    private readonly RotaryExecutable executable;
    private bool disposed;

    internal RotaryPlan(AttentionDevice device, RotaryProblem problem, RotaryExecutable executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it computes.</summary>
    public RotaryProblem Problem { get; }

    /// <inheritdoc cref="AttentionPlan.Explain"/>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <inheritdoc cref="AttentionPlan.Run"/>
    public void Run(in RotaryTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        RotaryTensors t = Check(tensors);
        bool inPlace = Overlap.Same(t.X, t.Y);
        ReadOnlySpan<TensorView> views = [t.Y, inPlace ? default : t.X, t.Cos, t.Sin, t.Positions];
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

    private RotaryTensors Check(in RotaryTensors t)
    {
        RotaryProblem p = Problem;
        TensorCheck check = new(Device);
        RotaryTensors checkedTensors = new()
        {
            X = check.Rows(nameof(t.X), t.X, p.Type, p.Batch, p.Heads, p.Seq, p.HeadDim),
            Y = check.Rows(nameof(t.Y), t.Y, p.Type, p.Batch, p.Heads, p.Seq, p.HeadDim),
            Cos = Angles(check, nameof(t.Cos), t.Cos),
            Sin = Angles(check, nameof(t.Sin), t.Sin),
            Positions = p.HasPositions ? check.Dense(nameof(t.Positions), t.Positions, DType.Int32, p.Batch, p.Seq) : default,
        };
        if (!p.HasPositions) check.Absent(nameof(t.Positions), t.Positions, nameof(p.HasPositions));
        TensorCheck.RequireDistinct(nameof(t.Y), checkedTensors.Y);
        return checkedTensors;
    }

    /// <summary>As (batch, rows, rotaryDim / 2), where the batch repeats if there are positions.</summary>
    private TensorView Angles(TensorCheck check, string name, in TensorView view)
    {
        RotaryProblem p = Problem;
        int pairs = p.RotaryDim / 2;
        return p.HasPositions
            ? check.Dense(name, view, p.AngleType, p.MaxPosition, pairs).PadTo(3).BroadcastTo(p.Batch, p.MaxPosition, pairs)
            : check.Broadcast(name, view, p.AngleType, p.Batch, p.Seq, pairs);
    }
}
