namespace AttnKernels;

/// <summary>What a <see cref="CacheAppendPlan"/> reads and writes. Any strides whose last axis is contiguous.</summary>
public readonly struct CacheAppendTensors
{
    /// <summary>Written in place: (batch, heads, capacity, dim).</summary>
    public required TensorView Cache { get; init; }

    /// <summary>New rows (batch, heads, rows, dim).</summary>
    public required TensorView Update { get; init; }

    /// <summary>
    /// Int32 (batch), the first row to write. On the CPU device a start that does not fit is refused; on others the rows outside are
    /// dropped.
    /// </summary>
    public TensorView Starts { get; init; }
}
