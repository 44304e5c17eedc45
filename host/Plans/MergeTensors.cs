namespace AttnKernels;

/// <summary>What a <see cref="MergePlan"/> reads and writes. PartsO and O: any strides whose last axis is contiguous.</summary>
public readonly struct MergeTensors
{
    /// <summary>Partial results (parts * batch, heads, seq, headDim), of type PartType.</summary>
    public required TensorView PartsO { get; init; }

    /// <summary>Natural log-sum-exp of each part's rows, Float32 (parts * batch, heads, seq), dense.</summary>
    public required TensorView PartsLse { get; init; }

    /// <summary>Output (batch, heads, seq, headDim).</summary>
    public required TensorView O { get; init; }

    /// <summary>Output: the merged log-sum-exp, Float32 (batch, heads, seq), dense.</summary>
    public TensorView Lse { get; init; }
}
