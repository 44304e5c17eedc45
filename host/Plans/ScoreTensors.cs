namespace AttnKernels.Plans;

/// <summary>The tensors of a score's terms, beside the key lengths.</summary>
internal readonly record struct ScoreTensors
{
    public TensorView Mask { get; init; }

    public TensorView Bias { get; init; }

    public TensorView AlibiSlopes { get; init; }

    public TensorView Sinks { get; init; }

    public TensorView HeadScales { get; init; }

    public TensorView DocumentsQ { get; init; }

    public TensorView DocumentsKv { get; init; }

    public TensorView BlockMask { get; init; }

    public TensorView RuleFloats { get; init; }

    public TensorView RuleInts { get; init; }
}
