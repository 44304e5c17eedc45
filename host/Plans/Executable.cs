namespace AttnKernels.Plans;

/// <summary>
/// The device-specific half of a plan. Run receives tensors that have been checked, views padded to rank 4, and the stream's gate held;
/// it queues kernels without allocating or synchronising.
/// </summary>
internal abstract class Executable<TTensors> : IDisposable
    where TTensors : struct
{
    /// <summary>Which kernel and tile run, and why.</summary>
    public abstract string Explain();

    /// <summary>Device memory that the plan holds, in bytes per stream.</summary>
    public virtual long WorkspaceBytes => 0;

    /// <summary>Makes the workspace for runs on <paramref name="stream"/>, where there is one.</summary>
    public virtual void Prepare(DeviceStream stream)
    {
    }

    /// <summary>
    /// Views have the axes that the tensors' documentation names, leading ones of size 1 included; matmul's A is (.., M, K) and its
    /// B (.., K, N), whatever the problem transposes; rotary angles are (batch, rows, rotaryDim / 2).
    /// </summary>
    public abstract void Run(in TTensors tensors, DeviceStream stream, CancellationToken cancel);

    public virtual void Dispose()
    {
    }
}
