using System.Diagnostics.CodeAnalysis;

namespace AttnKernels.Plans;

/// <summary>
/// Compares a view with what a plan expects and returns it padded to the expected rank. Allocates only to report an error.
/// Leading axes of size 1 may be missing.
/// </summary>
internal readonly struct TensorCheck(AttentionDevice device)
{
    /// <summary>Any strides.</summary>
    public TensorView Strided(string name, in TensorView view, DType type, params ReadOnlySpan<int> shape)
    {
        RequireUsable(name, view, type, shape);
        if (view.Rank > shape.Length) ThrowShape(name, view, shape);
        TensorView padded = view.PadTo(shape.Length);
        if (!padded.Shape.SequenceEqual(shape)) ThrowShape(name, view, shape);
        return padded;
    }

    /// <summary>Any strides, but elements of the last axis lie side by side.</summary>
    public TensorView Rows(string name, in TensorView view, DType type, params ReadOnlySpan<int> shape)
    {
        TensorView padded = Strided(name, view, type, shape);
        if (shape[^1] > 1 && padded.Stride(-1) != 1)
            throw new ArgumentException($"{name}: the last axis must be contiguous (stride 1); got {Describe(view)}.", name);
        return padded;
    }

    /// <summary>Row-major without gaps.</summary>
    public TensorView Dense(string name, in TensorView view, DType type, params ReadOnlySpan<int> shape)
    {
        TensorView padded = Strided(name, view, type, shape);
        if (!padded.IsContiguous) throw new ArgumentException($"{name}: must be dense; got {Describe(view)}.", name);
        return padded;
    }

    /// <summary>Every axis full or 1; the last one contiguous or repeating.</summary>
    public TensorView Broadcast(string name, in TensorView view, DType type, params ReadOnlySpan<int> shape)
    {
        RequireUsable(name, view, type, shape);
        if (view.Rank > shape.Length) ThrowShape(name, view, shape);
        TensorView padded = view.PadTo(shape.Length);
        for (int axis = 0; axis < shape.Length; axis++)
        {
            if (padded.Size(axis) != 1 && padded.Size(axis) != shape[axis]) ThrowBroadcast(name, view, shape);
        }
        if (padded.Size(-1) > 1 && padded.Stride(-1) > 1)
            throw new ArgumentException($"{name}: the last axis must be contiguous (stride 1) or repeat (0); got {Describe(view)}.", name);
        return padded.BroadcastTo(shape);
    }

    /// <summary>ALiBi slopes (heads) or (batch, heads), as (batch, heads).</summary>
    public TensorView Slopes(string name, in TensorView view, int batch, int heads) => PerBatch(name, view, DType.Float32, batch, heads);

    /// <summary>(count), (1, count) or (batch, count), as (batch, count).</summary>
    public TensorView PerBatch(string name, in TensorView view, DType type, int batch, int count)
    {
        TensorView padded = view.Rank == 2 && view.Size(0) == batch
            ? Rows(name, view, type, batch, count)
            : Rows(name, view, type, 1, count);
        return padded.BroadcastTo(batch, count);
    }

    /// <summary>A tensor that the problem does not have.</summary>
    public void Absent(string name, in TensorView view, string property, string value = "false")
    {
        if (!view.IsEmpty)
        {
            throw new ArgumentException(
                $"{name}: a tensor ({Describe(view)}) was given, but the problem has {property} = {value} and would ignore it.", name);
        }
    }

    /// <summary>Refuses an output that stores two elements in one place.</summary>
    public static void RequireDistinct(string name, in TensorView view)
    {
        if (Overlap.WithinItself(view))
            throw new ArgumentException($"{name}: an output whose elements share memory; got {Describe(view)}.", name);
    }

    private void RequireUsable(string name, in TensorView view, DType type, ReadOnlySpan<int> shape)
    {
        if (view.Buffer is not { } buffer)
            throw new ArgumentException(
                $"{name}: the problem needs it, but no tensor was given; expected {type} {Sizes.Format(shape)}.", name);
        if (buffer.IsDisposed) throw new ObjectDisposedException(name, $"{name}: the tensor has been disposed.");
        if (buffer.Backend != device.Backend)
        {
            throw new ArgumentException(
                $"{name}: the tensor is on another device ({buffer.Backend.Info.Name}) than the plan ({device.Name})" +
                $"{(buffer.Backend.Info.Name == device.Name ? ", opened separately" : "")}.", name);
        }
        if (view.Type != type)
        {
            throw new ArgumentException(
                $"{name}: expected type {type}, got {view.Type} (expected {Sizes.Format(shape)}, got {Describe(view)}).", name);
        }
    }

    [DoesNotReturn]
    private static void ThrowShape(string name, in TensorView view, ReadOnlySpan<int> shape) =>
        throw new ArgumentException($"{name}: expected shape {Sizes.Format(shape)}, got {Describe(view)}.", name);

    [DoesNotReturn]
    private static void ThrowBroadcast(string name, in TensorView view, ReadOnlySpan<int> shape) =>
        throw new ArgumentException($"{name}: expected shape {Sizes.Format(shape)} with each axis full or 1, got {Describe(view)}.", name);

    private static string Describe(in TensorView view) => view.ToString();
}
