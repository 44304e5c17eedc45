using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Workloads;

/// <summary>A named piece of work that the library and its peers are timed on.</summary>
public abstract record Workload
{
    /// <summary>Unique, without spaces, as given to --workload.</summary>
    public required string Name { get; init; }

    /// <summary>What it stands for: a model's layer, or a shape.</summary>
    public required string About { get; init; }

    /// <summary>"attention", "matmul" or "softmax".</summary>
    public abstract string Operation { get; }

    /// <summary>Storage type of inputs and outputs.</summary>
    public abstract DType Type { get; }

    /// <summary>How fp32 inputs may be multiplied.</summary>
    public virtual InputPrecision InputPrecision => InputPrecision.Ieee;

    /// <summary>Only measured with --full or when named.</summary>
    public bool FullOnly { get; init; }

    /// <summary>Only measured when named: for GPUs, or too small to tell anything.</summary>
    public bool NamedOnly { get; init; }

    /// <summary>Also measured with one thread, to show how threads scale.</summary>
    public bool Scaling { get; init; }

    /// <summary>Waits for memory: successive runs take different copies of the inputs, so that the caches do not hold them.</summary>
    public bool Streaming { get; init; }

    /// <summary>Arithmetic of the products over the visible (query, key) pairs; an FMA counts as two.</summary>
    public abstract double Flops { get; }

    /// <summary>Least memory traffic in bytes.</summary>
    public abstract double Bytes { get; }

    /// <summary>The part of <see cref="Bytes"/> that is written.</summary>
    public abstract double WrittenBytes { get; }

    /// <summary>Elements of the output.</summary>
    public abstract int OutputCount { get; }

    /// <summary>The problem's own line.</summary>
    public abstract string Shape { get; }

    /// <summary>Whether it exists with that storage type.</summary>
    public virtual bool Takes(DType type) => true;

    /// <summary>The same with another storage type.</summary>
    public abstract Workload WithType(DType type);

    /// <summary>Deterministic inputs, rounded to <see cref="Type"/>.</summary>
    public abstract WorkloadInput CreateInput(int seed);
}
