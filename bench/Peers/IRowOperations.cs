namespace AttnKernels.Bench.Peers;

/// <summary>The vector operations that a <see cref="RowPeer{TOperations}"/> is made of.</summary>
internal interface IRowOperations
{
    /// <summary>The peer's name.</summary>
    static abstract string Name { get; }

    /// <summary>A rate seen on current cores; only used to leave out what would take too long.</summary>
    static abstract double GflopsPerThread { get; }

    /// <summary>sum a_i b_i</summary>
    static abstract float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b);

    /// <summary>y += factor * x</summary>
    static abstract void AddScaled(ReadOnlySpan<float> x, float factor, Span<float> y);

    /// <summary>y = exp(x - max) / sum; x and y may be the same.</summary>
    static abstract void Softmax(ReadOnlySpan<float> x, Span<float> y);
}
