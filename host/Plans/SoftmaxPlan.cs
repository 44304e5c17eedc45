using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>A validated softmax problem with its kernels, ready to run any number of times. Threads as in
/// <see cref="AttentionPlan"/>.</summary>
public sealed class SoftmaxPlan : IDisposable
{
    private static readonly string[] Names = ["Y", "Lse", "X", "Mask", "Bias", "KeyLengths", "AlibiSlopes"];

    private readonly SoftmaxExecutable executable;
    private bool disposed;

    internal SoftmaxPlan(AttentionDevice device, SoftmaxProblem problem, SoftmaxExecutable executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it computes.</summary>
    public SoftmaxProblem Problem { get; }

    /// <summary>Device memory that the plan holds besides the tensors, in bytes for each stream it runs on.</summary>
    public long WorkspaceBytes => executable.WorkspaceBytes;

    /// <inheritdoc cref="AttentionPlan.Explain"/>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <inheritdoc cref="AttentionPlan.Run"/>
    public void Run(in SoftmaxTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        SoftmaxTensors t = Check(tensors);
        bool inPlace = Overlap.Same(t.X, t.Y);
        ReadOnlySpan<TensorView> views =
            [t.Y, t.Lse, inPlace ? default : t.X, t.Mask, t.Bias, t.KeyLengths, t.AlibiSlopes];
        Overlap.Refuse(views, Names, outputs: 2);
        using TensorHold hold = new(views, Names);
        using (queue.Enter(Problem)) executable.Run(t, queue, cancel);
    }

    /// <inheritdoc cref="AttentionPlan.Dispose"/>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        executable.Dispose();
    }

    private SoftmaxTensors Check(in SoftmaxTensors t)
    {
        SoftmaxProblem p = Problem;
        TensorCheck check = new(Device);
        SoftmaxTensors checkedTensors = new()
        {
            X = check.Rows(nameof(t.X), t.X, p.Type, p.Batch, p.Heads, p.Rows, p.Columns),
            Y = check.Rows(nameof(t.Y), t.Y, p.OutputType, p.Batch, p.Heads, p.Rows, p.Columns),
            Lse = ScoreCheck.Lse(check, p, t.Lse),
            Mask = ScoreCheck.Mask(check, p, t.Mask),
            Bias = ScoreCheck.Bias(check, p, t.Bias),
            KeyLengths = ScoreCheck.KeyLengths(check, p, t.KeyLengths),
            AlibiSlopes = ScoreCheck.AlibiSlopes(check, p, t.AlibiSlopes),
        };
        TensorCheck.RequireDistinct(nameof(t.Y), checkedTensors.Y);
        return checkedTensors;
    }
}
