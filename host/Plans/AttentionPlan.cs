using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// A validated attention problem with its kernels, ready to run any number of times. Several threads may run one plan; on one stream their
/// runs follow each other, on streams of their own they may overlap.
/// </summary>
public sealed class AttentionPlan : IDisposable
{
    private static readonly string[] Names = ["O", "Lse", "Weights", "Q", "K", "V", "Mask", "Bias", "KeyLengths", "AlibiSlopes"];

    private readonly AttentionExecutable executable;
    private bool disposed;

    internal AttentionPlan(AttentionDevice device, AttentionProblem problem, AttentionExecutable executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it computes.</summary>
    public AttentionProblem Problem { get; }

    /// <summary>Device memory that the plan holds besides the tensors, in bytes for each stream it runs on.</summary>
    public long WorkspaceBytes => executable.WorkspaceBytes;

    /// <summary>Which kernel and tile run, and why.</summary>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <summary>
    /// Checks the tensors and queues the kernels on <paramref name="stream"/> (null = the device's default stream). Neither allocates nor
    /// waits
    /// (on the CPU device the work is done when it returns). Nothing is written before all checks have passed.
    /// </summary>
    /// <param name="tensors">Inputs and outputs, with exactly the optional ones that the problem names.</param>
    /// <param name="stream">A stream of the plan's device.</param>
    /// <param name="cancel">Stops a run on the CPU device between tiles; outputs are then partly written. On other devices it is read
    /// before queueing.</param>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps an output, or has the wrong shape, type, strides or
    /// device.</exception>
    /// <exception cref="ObjectDisposedException">A tensor, the stream, the plan or the device has been disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="DeviceFaultException">The device refused or failed.</exception>
    public void Run(in AttentionTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        AttentionTensors t = Check(tensors);
        ReadOnlySpan<TensorView> views = [t.O, t.Lse, t.Weights, t.Q, t.K, t.V, t.Mask, t.Bias, t.KeyLengths, t.AlibiSlopes];
        Overlap.Refuse(views, Names, outputs: 3);
        using TensorHold hold = new(views, Names);
        using (queue.Enter(Problem)) executable.Run(t, queue, cancel);
    }

    /// <summary>Frees the plan's workspace. Kernels stay loaded for other plans.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        executable.Dispose();
    }

    private AttentionTensors Check(in AttentionTensors t)
    {
        AttentionProblem p = Problem;
        TensorCheck check = new(Device);
        AttentionTensors checkedTensors = new()
        {
            Q = check.Rows(nameof(t.Q), t.Q, p.Type, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDim),
            K = check.Rows(nameof(t.K), t.K, p.Type, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDim),
            V = check.Rows(nameof(t.V), t.V, p.Type, p.Batch, p.HeadsKv, p.SeqKv, p.HeadDimV),
            O = check.Rows(nameof(t.O), t.O, p.Type, p.Batch, p.HeadsQ, p.SeqQ, p.HeadDimV),
            Lse = ScoreCheck.Lse(check, p, t.Lse),
            Weights = p.Weights
                ? check.Rows(nameof(t.Weights), t.Weights, DType.Float32, p.Batch, p.HeadsQ, p.SeqQ, p.SeqKv)
                : default,
            Mask = ScoreCheck.Mask(check, p, t.Mask),
            Bias = ScoreCheck.Bias(check, p, t.Bias),
            KeyLengths = ScoreCheck.KeyLengths(check, p, t.KeyLengths),
            AlibiSlopes = ScoreCheck.AlibiSlopes(check, p, t.AlibiSlopes),
        };
        if (!p.Weights) check.Absent(nameof(t.Weights), t.Weights, nameof(p.Weights));
        TensorCheck.RequireDistinct(nameof(t.O), checkedTensors.O);
        if (p.Weights) TensorCheck.RequireDistinct(nameof(t.Weights), checkedTensors.Weights);
        return checkedTensors;
    }
}
