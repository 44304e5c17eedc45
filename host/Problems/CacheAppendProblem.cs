namespace AttnKernels;

/// <summary>
/// Writes new rows into a key or value cache, in place: cache[b, h, start_b + r] = update[b, h, r], modulo the capacity where circular.
/// Cache (batch, heads, capacity, dim), update (batch, heads, rows, dim). Immutable; equal problems compare equal.
/// </summary>
public sealed record CacheAppendProblem
{
    /// <summary>Batch entries.</summary>
    public required int Batch { get; init; }

    /// <summary>Key/value heads.</summary>
    public required int Heads { get; init; }

    /// <summary>Rows that the cache holds for each head.</summary>
    public required int Capacity { get; init; }

    /// <summary>New rows for each head, at most the capacity.</summary>
    public required int Rows { get; init; }

    /// <summary>Elements of a row.</summary>
    public required int Dim { get; init; }

    /// <summary>Type of the elements. Default Float32.</summary>
    public DType Type { get; init; } = DType.Float32;

    /// <summary>Rows past the end continue at the beginning (a sliding-window ring). Otherwise they must fit.</summary>
    public bool Circular { get; init; }

    /// <summary>Run receives the row at which each batch entry starts, Int32 (batch); otherwise all start at 0.</summary>
    public bool Starts { get; init; }

    /// <summary>Memory traffic in bytes: the update read and written once.</summary>
    public double Bytes => 2.0 * Batch * Heads * Rows * Dim * Type.Size();

    /// <summary>Checks everything that does not depend on a device.</summary>
    /// <exception cref="ArgumentException">A value is out of range or contradicts another; the message names it.</exception>
    public void Validate()
    {
        ProblemCheck.Positive(Batch);
        ProblemCheck.Positive(Heads);
        ProblemCheck.Positive(Capacity);
        ProblemCheck.Positive(Dim);
        ProblemCheck.InRange(Rows, 1, Capacity, nameof(Rows));
        ProblemCheck.Float(Type);
        ProblemCheck.Addressable("Cache", Type, Batch, Heads, Capacity, Dim);
    }

    /// <summary>One line: "append 1 of 4096 rows, B1 H8 D128 Float16".</summary>
    public override string ToString() =>
        $"append {Rows} to {Capacity} rows, B{Batch} H{Heads} D{Dim} {Type}{(Circular ? ", circular" : "")}";
}
