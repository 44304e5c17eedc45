namespace AttnKernels;

/// <summary>
/// A queue of work on a device: what is queued runs in order, and work on different streams may overlap. Several threads may use one
/// stream; each Run enters it as a whole. On the CPU device a call has run when it returns, and Synchronize does nothing.
/// </summary>
public sealed class DeviceStream : IDisposable
{
    private readonly bool owned;

    internal DeviceStream(AttentionDevice device, StreamBackend backend, bool owned) =>
        (Device, Backend, this.owned) = (device, backend, owned);

    /// <summary>The stream's device.</summary>
    public AttentionDevice Device { get; }

    internal StreamBackend Backend { get; }

    /// <summary>Held while a Run queues its launches, so that those of two threads do not mix.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>What the kernels queued under the gate compute; named when the device faults.</summary>
    internal object Problem { get; private set; } = "nothing was run";

    internal bool IsDisposed { get; private set; }

    /// <summary>Enters the stream with what is about to be queued.</summary>
    internal Lock.Scope Enter(object problem)
    {
        Lock.Scope scope = Gate.EnterScope();
        Problem = problem;
        return scope;
    }

    /// <summary>Waits until everything queued on this stream is done.</summary>
    /// <exception cref="DeviceFaultException">Something queued here failed.</exception>
    /// <exception cref="ObjectDisposedException">The stream or its device has been disposed.</exception>
    public void Synchronize()
    {
        ObjectDisposedException.ThrowIf(Device.Backend.IsDisposed, Device);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        Backend.Synchronize();
    }

    /// <summary>Waits for the queue and frees it. Disposing the device's default stream does nothing.</summary>
    public void Dispose()
    {
        if (!owned) return;
        lock (Gate)
        {
            if (IsDisposed) return;
            IsDisposed = true;
            Backend.Dispose();
        }
    }
}
