namespace AttnKernels.Plans;

/// <summary>
/// The device-specific half of a plan. Run receives tensors that have been checked, views padded to rank 4, and the stream's gate held;
/// it queues kernels without allocating or synchronising.
/// </summary>
internal abstract class Executable : IDisposable
{
    /// <summary>Which kernel and tile run, and why.</summary>
    public abstract string Explain();

    /// <summary>Device memory that the plan holds, in bytes per stream.</summary>
    public virtual long WorkspaceBytes => 0;

    public virtual void Dispose()
    {
    }
}

/// <summary>Device half of a <see cref="MatmulPlan"/>. Views are (batch0, batch1, M, K), (batch0, batch1/groupB, K, N), (batch0, batch1, M,
/// N), (N).</summary>
internal abstract class MatmulExecutable : Executable
{
    public abstract void Run(in MatmulTensors tensors, DeviceStream stream, CancellationToken cancel);
}

/// <summary>Device half of a <see cref="SoftmaxPlan"/>. Views are (batch, heads, rows, columns).</summary>
internal abstract class SoftmaxExecutable : Executable
{
    public abstract void Run(in SoftmaxTensors tensors, DeviceStream stream, CancellationToken cancel);
}

/// <summary>Device half of an <see cref="AttentionPlan"/>. Views are (batch, head, seq, dim).</summary>
internal abstract class AttentionExecutable : Executable
{
    public abstract void Run(in AttentionTensors tensors, DeviceStream stream, CancellationToken cancel);
}

/// <summary>Device half of a <see cref="RotaryPlan"/>. X and Y are (batch, heads, seq, headDim), the angles (batch, rows, rotaryDim /
/// 2).</summary>
internal abstract class RotaryExecutable : Executable
{
    public abstract void Run(in RotaryTensors tensors, DeviceStream stream, CancellationToken cancel);
}

/// <summary>Device half of a <see cref="CacheAppendPlan"/>. Views are (batch, heads, rows, dim).</summary>
internal abstract class CacheAppendExecutable : Executable
{
    public abstract void Run(in CacheAppendTensors tensors, DeviceStream stream, CancellationToken cancel);
}
