namespace AttnKernels.Onnx;

/// <summary>Compares tensors with what a node expects, before their axes are rearranged. Allocates only to report an error.</summary>
internal static class OnnxCheck
{
    public static void Shape(string name, in TensorView view, params ReadOnlySpan<int> shape) =>
        Optional(name, view, isExpected: true, shape);

    /// <summary>A tensor that the node has, or has not.</summary>
    public static void Optional(string name, in TensorView view, bool isExpected, params ReadOnlySpan<int> shape)
    {
        if (isExpected ? view.IsEmpty || !view.Shape.SequenceEqual(shape) : !view.IsEmpty)
            throw new ArgumentException($"{name}: expected {(isExpected ? Sizes.Format(shape) : "no tensor")}, got {view}.", name);
    }

    /// <summary>A tensor whose axes are taken together.</summary>
    public static void Dense(string name, in TensorView view, params ReadOnlySpan<int> shape)
    {
        Shape(name, view, shape);
        if (!view.IsContiguous) throw new ArgumentException($"{name}: must be dense; got {view}.", name);
    }

    /// <summary>(batch, heads, seq, dim) of a tensor of the node's rank: that, or (batch, seq, heads * dim).</summary>
    public static TensorView Heads(string name, in TensorView view, int rank, int heads, int dim)
    {
        if (view.Rank != rank)
            throw new ArgumentException($"{name}: expected {rank} axes, as the node has, got {view}.", name);
        if (view.Rank == 4) return view;
        return view.Size(2) == heads * dim
            ? view.SplitAxis(2, heads, dim).Transpose(1, 2)
            : throw new ArgumentException($"{name}: expected a last axis of {heads} heads x {dim}, got {view}.", name);
    }

    /// <summary>The axis that a negative number counts from the end.</summary>
    /// <exception cref="ArgumentException">There is no such axis from <paramref name="first"/> on.</exception>
    public static int Axis(int axis, int rank, int first = 0)
    {
        int counted = axis < 0 ? axis + rank : axis;
        return counted >= first && counted < rank
            ? counted
            : throw new ArgumentException($"axis must be in {first}..{rank - 1} or count from the end, is {axis}.", nameof(axis));
    }

    /// <summary>Elements of these axes together.</summary>
    public static int Product(ReadOnlySpan<int> sizes)
    {
        int product = 1;
        foreach (int size in sizes) product = checked(product * size);
        return product;
    }
}
