using AttnKernels.Plans;

namespace AttnKernels;

/// <summary>
/// A validated problem with its kernels, ready to run any number of times. Several threads may run one plan; on one stream their
/// runs follow each other, on streams of their own they may overlap.
/// </summary>
/// <typeparam name="TProblem">What is computed.</typeparam>
/// <typeparam name="TTensors">What a run reads and writes.</typeparam>
public abstract class Plan<TProblem, TTensors> : IDisposable
    where TProblem : class
    where TTensors : struct
{
    private readonly Executable<TTensors> executable;
    private bool disposed;

    private protected Plan(AttentionDevice device, TProblem problem, Executable<TTensors> executable) =>
        (Device, Problem, this.executable) = (device, problem, executable);

    /// <summary>The device it runs on.</summary>
    public AttentionDevice Device { get; }

    /// <summary>What it computes.</summary>
    public TProblem Problem { get; }

    /// <summary>Device memory that the plan holds besides the tensors, in bytes for each stream it runs on.</summary>
    /// <remarks>
    /// 0 on the CPU device, save for problems that one plan solves in several steps: scratch there belongs to the device's threads, not to
    /// plans. Each thread keeps one block as large as its largest run needed, to at most 64 MB; all plans share it, and the device frees
    /// it. Fused attention with heads of 64 takes 0.1 MB a thread, 0.4 MB where keys are gathered, widened or turned, whatever the number
    /// of keys; a run of few queries keeps a partial result of about headDimV floats for each row and 512 keys in the calling thread's
    /// block.
    /// </remarks>
    public long WorkspaceBytes => executable.WorkspaceBytes;

    /// <summary>Which kernel and tile run, and why.</summary>
    public string Explain() => $"{Problem} on {Device.Name}: {executable.Explain()}";

    /// <summary>
    /// Checks the tensors and queues the kernels on <paramref name="stream"/> (null = the device's default stream). Neither allocates nor
    /// waits (on the CPU device the work is done when it returns), except that where <see cref="WorkspaceBytes"/> is not 0 the first run
    /// on each further stream allocates that stream's, unless <see cref="Prepare"/> has. Nothing is written before all checks have passed.
    /// </summary>
    /// <remarks>
    /// The tensors may be disposed as soon as this returns: freeing device memory waits for the kernels that were queued on it.
    /// </remarks>
    /// <param name="tensors">Inputs and outputs, with exactly the optional ones that the problem names.</param>
    /// <param name="stream">A stream of the plan's device.</param>
    /// <param name="cancel">Stops a run on the CPU device between tiles; outputs are then partly written. On other devices it is read
    /// before queueing.</param>
    /// <exception cref="ArgumentException">A tensor is missing, not expected, overlaps an output, or has the wrong shape, type, strides or
    /// device.</exception>
    /// <exception cref="ObjectDisposedException">A tensor, the stream, the plan or the device has been disposed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    /// <exception cref="DeviceFaultException">The device refused or failed.</exception>
    public void Run(in TTensors tensors, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        DeviceStream queue = Device.Use(stream);
        cancel.ThrowIfCancellationRequested();
        CheckAndLaunch(tensors, queue, cancel);
    }

    /// <summary>
    /// Allocates what runs on <paramref name="stream"/> (null = the device's default stream) need beside the tensors, so that none of them
    /// allocates. The plan has it for one stream already. Other streams keep running meanwhile.
    /// </summary>
    /// <exception cref="DeviceMemoryException">There is too little memory.</exception>
    /// <exception cref="ObjectDisposedException">The stream, the plan or the device has been disposed.</exception>
    public void Prepare(DeviceStream? stream = null)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        executable.Prepare(Device.Use(stream));
    }

    /// <summary>Frees the plan's workspace. Kernels stay loaded for other plans.</summary>
    public void Dispose()
    {
        if (disposed) return;
        disposed = true;
        executable.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Throws what <see cref="Run"/> would for these tensors, and does nothing else: for plans made of several.</summary>
    internal void Verify(in TTensors tensors)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        CheckAndLaunch(tensors, queue: null, CancellationToken.None);
    }

    /// <summary>Checks each tensor against the problem, then calls <see cref="Launch"/> with the padded views.</summary>
    private protected abstract void CheckAndLaunch(in TTensors tensors, DeviceStream? queue, CancellationToken cancel);

    /// <summary>Queues the kernels, unless an output overlaps another tensor.</summary>
    /// <param name="tensors">The checked tensors.</param>
    /// <param name="views">All of them, outputs first.</param>
    /// <param name="names">Their names, for messages.</param>
    /// <param name="outputs">How many are outputs.</param>
    /// <param name="queue">The stream; null only checks.</param>
    /// <param name="cancel">Stops the run.</param>
    private protected void Launch(
        in TTensors tensors,
        ReadOnlySpan<TensorView> views,
        ReadOnlySpan<string> names,
        int outputs,
        DeviceStream? queue,
        CancellationToken cancel)
    {
        Overlap.Refuse(views, names, outputs);
        if (queue is null) return;
        using TensorHold hold = new(views, names);
        using (queue.Enter(Problem)) executable.Run(tensors, queue, cancel);
    }
}
