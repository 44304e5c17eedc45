namespace AttnKernels;

/// <summary>What a <see cref="CacheAppendPlan"/> reads and writes. Any strides whose last axis is contiguous.</summary>
public readonly struct CacheAppendTensors
{
    /// <summary>Written in place: (batch, heads, capacity, dim), or (blocks, heads, blockSize, dim) where it is paged.</summary>
    public required TensorView Cache { get; init; }

    /// <summary>
    /// Written in place, beside an Int8 cache: the scales of its rows, Float32, the shape of the cache without its last axis.
    /// </summary>
    public TensorView Scales { get; init; }

    /// <summary>New rows (batch, heads, rows, dim).</summary>
    public required TensorView Update { get; init; }

    /// <summary>
    /// Int32 (batch), the first row to write. On the CPU device a start that does not fit is refused; on others the rows outside are
    /// dropped.
    /// </summary>
    public TensorView Starts { get; init; }

    /// <summary>
    /// Blocks of each batch entry in the order of its rows, Int32 (batch, ceil(capacity / blockSize)); only those of rows to be written are
    /// read. On the CPU device one outside the cache is refused; on others its rows are dropped.
    /// </summary>
    public TensorView BlockTable { get; init; }
}
