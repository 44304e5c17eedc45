namespace AttnKernels;

/// <summary>What a <see cref="RotaryPlan"/> reads and writes. X and Y: any strides whose last axis is contiguous.</summary>
public readonly struct RotaryTensors
{
    /// <summary>Input (batch, heads, seq, headDim).</summary>
    public required TensorView X { get; init; }

    /// <summary>Output of X's shape; X itself, or memory that overlaps nothing.</summary>
    public required TensorView Y { get; init; }

    /// <summary>Cosines: (maxPosition, rotaryDim / 2) with positions, else (batch or 1, seq, rotaryDim / 2).</summary>
    public required TensorView Cos { get; init; }

    /// <summary>Sines, of the shape of the cosines.</summary>
    public required TensorView Sin { get; init; }

    /// <summary>Int32 (batch, seq), each in 0..maxPosition-1. On the CPU device a value outside is refused; on others its row becomes
    /// NaN.</summary>
    public TensorView Positions { get; init; }
}
