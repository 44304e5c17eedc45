namespace AttnKernels.Onnx;

/// <summary>
/// ONNX MatMul, which is numpy.matmul: the last two axes multiply, the others broadcast, and a vector is a row on the left, a column on the right,
/// whose axis of size 1 the result loses.
/// </summary>
internal static class OnnxMatMul
{
    public static OnnxTensor Run(AttentionDevice device, OnnxTensor a, OnnxTensor b)
    {
        if (a.Rank == 0 || b.Rank == 0) throw new ArgumentException("MatMul does not take scalars.");
        if (a.Type != b.Type) throw new ArgumentException($"MatMul of {a.Type} and {b.Type}.");
        OnnxTensor left = a.Rank == 1 ? a.Reshape(1, a.Shape[0]) : a, right = b.Rank == 1 ? b.Reshape(b.Shape[0], 1) : b;
        (int m, int k, int n) = (left.Shape[^2], left.Shape[^1], right.Shape[^1]);
        if (right.Shape[^2] != k) throw new ArgumentException($"MatMul of [{string.Join(',', a.Shape)}] and [{string.Join(',', b.Shape)}].");
        int[] batch = BroadcastBatch(left.Shape, right.Shape);
        if (batch.Length > 2) throw new NotSupportedException($"MatMul with {batch.Length} batch axes; at most 2 are built.");
        (int batch0, int batch1) = (batch.Length > 1 ? batch[^2] : 1, batch.Length > 0 ? batch[^1] : 1);

        DType type = OnnxTensor.StorageOf(a.Type);
        using MatmulPlan plan = device.Plan(new MatmulProblem { Type = type, Batch0 = batch0, Batch1 = batch1, M = m, N = n, K = k });
        using DeviceTensor deviceA = left.Upload(device), deviceB = right.Upload(device);
        using DeviceTensor deviceC = device.Allocate(type, batch0, batch1, m, n);
        plan.Run(new MatmulTensors
        {
            A = deviceA.View.BroadcastTo(batch0, batch1, m, k),
            B = deviceB.View.BroadcastTo(batch0, batch1, k, n),
            C = deviceC,
        });

        List<int> shape = [.. batch];
        if (a.Rank > 1) shape.Add(m);
        if (b.Rank > 1) shape.Add(n);
        return OnnxTensor.FromFloats(a.Type, deviceC.ToFloats(), [.. shape]);
    }

    private static int[] BroadcastBatch(int[] a, int[] b)
    {
        int rank = Math.Max(a.Length, b.Length) - 2;
        int[] batch = new int[rank];
        for (int axis = 0; axis < rank; axis++)
        {
            int fromA = axis - (rank - (a.Length - 2)), fromB = axis - (rank - (b.Length - 2));
            int sizeA = fromA < 0 ? 1 : a[fromA], sizeB = fromB < 0 ? 1 : b[fromB];
            if (sizeA != sizeB && sizeA != 1 && sizeB != 1)
                throw new ArgumentException($"MatMul of [{string.Join(',', a)}] and [{string.Join(',', b)}]: the batch axes do not broadcast.");
            batch[axis] = Math.Max(sizeA, sizeB);
        }
        return batch;
    }
}
