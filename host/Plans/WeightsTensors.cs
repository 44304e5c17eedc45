namespace AttnKernels;

/// <summary>What a <see cref="WeightsPlan"/> reads and writes.</summary>
public readonly struct WeightsTensors
{
    /// <summary>Those of the fused run. Its Q, K, LSE and the tensors of its score are read; V, its scales and O are not, and may be left
    /// out.</summary>
    public required AttentionTensors Attention { get; init; }

    /// <summary>
    /// Batch entry, head and query of each row, Int32 (rows, 3). Where the memory can be read by the host, a row that does not exist is
    /// refused;
    /// elsewhere its weights are NaN.
    /// </summary>
    public required TensorView Rows { get; init; }

    /// <summary>Output: a row's weights, Float32 (rows, seqKv).</summary>
    public required TensorView P { get; init; }
}
