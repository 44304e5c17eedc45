namespace AttnKernels.Onnx;

/// <summary>
/// ONNX MatMul, which is numpy.matmul, prepared once for the shapes of a node: the last two axes multiply, the others broadcast, and a
/// vector is a row on the left, a column on the right, whose axis of size 1 the result loses. Specification:
/// https://onnx.ai/onnx/operators/onnx__MatMul.html. Threads and streams as for <see cref="MatmulPlan"/>.
/// </summary>
public sealed class OnnxMatMul : IDisposable
{
    private readonly MatmulPlan plan;
    private readonly int[] shapeA, shapeB, outputShape;

    private OnnxMatMul(AttentionDevice device, DType type, int[] a, int[] b)
    {
        if (a.Length == 0 || b.Length == 0) throw new ArgumentException("MatMul does not take scalars.");
        (int[] left, int[] right) = (a.Length == 1 ? [1, a[0]] : a, b.Length == 1 ? [b[0], 1] : b);
        (int m, int k, int n) = (left[^2], left[^1], right[^1]);
        if (right[^2] != k) throw new ArgumentException($"MatMul of {Sizes.Format(a)} and {Sizes.Format(b)}.");
        int[] batch = BroadcastBatch(left, right);
        if (batch.Length > 2) throw new NotSupportedException($"MatMul with {batch.Length} batch axes; at most 2 are built.");
        (shapeA, shapeB) = (a, b);
        outputShape = [.. batch, .. a.Length > 1 ? [m] : Array.Empty<int>(), .. b.Length > 1 ? [n] : Array.Empty<int>()];
        plan = device.Plan(new MatmulProblem
        {
            Type = type,
            Batch0 = batch.Length > 1 ? batch[^2] : 1,
            Batch1 = batch.Length > 0 ? batch[^1] : 1,
            M = m,
            N = n,
            K = k,
        });
    }

    /// <summary>The product that runs.</summary>
    public MatmulProblem Problem => plan.Problem;

    /// <summary>Shape of Y; empty, a scalar, for two vectors: Y is then a tensor of one element.</summary>
    public IReadOnlyList<int> OutputShape => outputShape;

    /// <summary>Checks the node and prepares its kernel.</summary>
    /// <param name="device">Where it runs.</param>
    /// <param name="type">Type of A, B and Y.</param>
    /// <param name="shapeA">Shape of A, 1 to 4 axes.</param>
    /// <param name="shapeB">Shape of B, 1 to 4 axes.</param>
    /// <exception cref="ArgumentException">The specification forbids these shapes.</exception>
    /// <exception cref="NotSupportedException">More than two batch axes.</exception>
    public static OnnxMatMul Plan(AttentionDevice device, DType type, IReadOnlyList<int> shapeA, IReadOnlyList<int> shapeB)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(shapeA);
        ArgumentNullException.ThrowIfNull(shapeB);
        return new OnnxMatMul(device, type, [.. shapeA], [.. shapeB]);
    }

    /// <summary>Checks the tensors, views of any strides, and queues the node, as <see cref="MatmulPlan"/> does.</summary>
    /// <exception cref="ArgumentException">A tensor is missing, overlaps the output, or has the wrong shape, type or device. Nothing has
    /// been written.</exception>
    public void Run(in TensorView a, in TensorView b, in TensorView y, DeviceStream? stream = null, CancellationToken cancel = default)
    {
        OnnxCheck.Shape("A", a, shapeA);
        OnnxCheck.Shape("B", b, shapeB);
        OnnxCheck.Shape("Y", y, outputShape.Length == 0 ? [1] : outputShape);
        MatmulProblem p = plan.Problem;
        TensorView columns = shapeB.Length == 1 ? b.Unsqueeze(1) : b;
        TensorView output = shapeB.Length == 1 && outputShape.Length > 0 ? y.Unsqueeze(y.Rank) : y;
        plan.Run(
            new MatmulTensors
            {
                A = a.BroadcastTo(p.Batch0, p.Batch1, p.M, p.K),
                B = columns.BroadcastTo(p.Batch0, p.Batch1, p.K, p.N),
                C = shapeA.Length == 1 && outputShape.Length > 0 ? output.Unsqueeze(output.Rank - 1) : output,
            },
            stream, cancel);
    }

    /// <summary>Frees the plan.</summary>
    public void Dispose() => plan.Dispose();

    private static int[] BroadcastBatch(int[] a, int[] b)
    {
        int rank = Math.Max(a.Length, b.Length) - 2;
        int[] batch = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            int fromA = axis - (rank - (a.Length - 2)), fromB = axis - (rank - (b.Length - 2));
            int sizeA = fromA < 0 ? 1 : a[fromA], sizeB = fromB < 0 ? 1 : b[fromB];
            if (sizeA != sizeB && sizeA != 1 && sizeB != 1)
                throw new ArgumentException($"MatMul of {Sizes.Format(a)} and {Sizes.Format(b)}: the batch axes do not broadcast.");
            batch[axis] = Math.Max(sizeA, sizeB);
        }
        return batch;
    }
}
