using AttnKernels.Bench.Data;

namespace AttnKernels.Bench.Peers.OnnxRuntime;

/// <summary>A named tensor of a model with the memory that holds it.</summary>
internal sealed unsafe class OrtTensor : IDisposable
{
    private readonly IDisposable? memory;

    private OrtTensor(string name, int type, long[] shape, IDisposable? memory, void* data, long bytes) =>
        (Name, Type, Shape, this.memory, Address, Bytes) = (name, type, shape, memory, (nint)data, bytes);

    public string Name { get; }

    public int Type { get; }

    public long[] Shape { get; }

    public nint Address { get; }

    public long Bytes { get; }

    public static OrtTensor Floats(string name, ReadOnlySpan<float> values, params long[] shape)
    {
        var memory = new AlignedBuffer<float>(values);
        return new OrtTensor(name, OnnxModel.Float, shape, memory, memory.Data, (long)values.Length * sizeof(float));
    }

    public static OrtTensor Zeros(string name, params long[] shape)
    {
        long count = shape.Aggregate(1L, (product, size) => product * size);
        var memory = new AlignedBuffer<float>(count);
        return new OrtTensor(name, OnnxModel.Float, shape, memory, memory.Data, count * sizeof(float));
    }

    public static OrtTensor Integers(string name, ReadOnlySpan<int> values, params long[] shape)
    {
        var memory = new AlignedBuffer<int>(values);
        return new OrtTensor(name, OnnxModel.Int32, shape, memory, memory.Data, (long)values.Length * sizeof(int));
    }

    public static OrtTensor Booleans(string name, ReadOnlySpan<byte> values, params long[] shape)
    {
        var memory = new AlignedBuffer<byte>(values);
        return new OrtTensor(name, OnnxModel.Bool, shape, memory, memory.Data, values.Length);
    }

    /// <summary>The same memory under another name: a cache that a node extends in place. Does not own it.</summary>
    public OrtTensor Alias(string name) => new(name, Type, Shape, null, (void*)Address, Bytes);

    public void Dispose() => memory?.Dispose();
}
