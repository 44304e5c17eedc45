using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Workloads;

/// <summary>One attention layer.</summary>
public sealed record AttentionWorkload : Workload
{
    /// <summary>What to compute.</summary>
    public required AttentionProblem Problem { get; init; }

    /// <summary>Visible keys of every batch entry where <see cref="ScoreProblem.KeyLengths"/> is set.</summary>
    public int KeyLength { get; init; }

    /// <inheritdoc/>
    public override string Operation => "attention";

    /// <inheritdoc/>
    public override DType Type => Problem.Type;

    /// <inheritdoc/>
    public override InputPrecision InputPrecision => Problem.InputPrecision;

    /// <summary>For fp16 and bf16 only: as fp32 a tensor would have more bytes than an array may.</summary>
    public bool IsNarrow { get; init; }

    /// <inheritdoc/>
    public override double Flops => Problem.Flops * (Problem.KeyLengths ? (double)KeyLength / Problem.SeqKv : 1);

    /// <inheritdoc/>
    public override double Bytes => Problem.Bytes;

    /// <inheritdoc/>
    public override double WrittenBytes => (double)OutputCount * Type.Size();

    /// <inheritdoc/>
    public override int OutputCount => Problem.Batch * Problem.HeadsQ * Problem.SeqQ * Problem.HeadDimV;

    /// <inheritdoc/>
    public override string Shape => Problem.ToString();

    /// <inheritdoc/>
    public override bool Takes(DType type) =>
        type == DType.Float32 ? !IsNarrow : Problem.InputPrecision == InputPrecision.Ieee;

    /// <inheritdoc/>
    public override Workload WithType(DType type) => this with { Problem = Problem with { Type = type } };

    /// <inheritdoc/>
    public override WorkloadInput CreateInput(int seed) => AttentionInput.Create(this, seed);
}
