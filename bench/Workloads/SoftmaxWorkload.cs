using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Workloads;

/// <summary>A softmax over the rows of a matrix.</summary>
public sealed record SoftmaxWorkload : Workload
{
    /// <summary>What to compute.</summary>
    public required SoftmaxProblem Problem { get; init; }

    /// <inheritdoc/>
    public override string Operation => "softmax";

    /// <inheritdoc/>
    public override DType Type => Problem.Type;

    /// <inheritdoc/>
    public override double Flops => Problem.Flops;

    /// <inheritdoc/>
    public override double Bytes => Problem.Bytes;

    /// <inheritdoc/>
    public override double WrittenBytes => (double)OutputCount * Type.Size();

    /// <inheritdoc/>
    public override int OutputCount => Problem.Rows * Problem.Columns;

    /// <inheritdoc/>
    public override string Shape => Problem.ToString();

    /// <inheritdoc/>
    public override Workload WithType(DType type) => this with { Problem = Problem with { Type = type } };

    /// <inheritdoc/>
    public override WorkloadInput CreateInput(int seed) => SoftmaxInput.Create(this, seed);
}
