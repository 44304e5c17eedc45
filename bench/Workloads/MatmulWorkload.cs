using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Workloads;

/// <summary>C = A B.</summary>
public sealed record MatmulWorkload : Workload
{
    /// <summary>What to compute.</summary>
    public required MatmulProblem Problem { get; init; }

    /// <inheritdoc/>
    public override string Operation => "matmul";

    /// <inheritdoc/>
    public override DType Type => Problem.Type;

    /// <inheritdoc/>
    public override InputPrecision InputPrecision => Problem.InputPrecision;

    /// <inheritdoc/>
    public override double Flops => Problem.Flops;

    /// <inheritdoc/>
    public override double Bytes => Problem.Bytes;

    /// <inheritdoc/>
    public override double WrittenBytes => (double)OutputCount * Type.Size();

    /// <inheritdoc/>
    public override int OutputCount => Problem.M * Problem.N;

    /// <inheritdoc/>
    public override string Shape => Problem.ToString();

    /// <inheritdoc/>
    public override bool Takes(DType type) => type == DType.Float32 || Problem.InputPrecision == InputPrecision.Ieee;

    /// <inheritdoc/>
    public override Workload WithType(DType type) => this with { Problem = Problem with { Type = type } };

    /// <inheritdoc/>
    public override WorkloadInput CreateInput(int seed) => MatmulInput.Create(this, seed);
}
