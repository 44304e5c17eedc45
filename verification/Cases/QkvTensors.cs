namespace AttnKernels.Verification;

/// <summary>Q, K and V in device memory: three tensors, or three parts of one.</summary>
internal sealed class QkvTensors : IDisposable
{
    private readonly List<PlacedTensor> placed = [];

    public QkvTensors(AttentionDevice device, HostTensor q, HostTensor k, HostTensor v, CaseOptions options)
    {
        if (options.Packed)
        {
            int headsQ = q.Shape[1], headsKv = k.Shape[1];
            TensorView all = Place(device, Pack(q, k, v), Placement.SequenceFirst);
            Q = all.Slice(1, 0, headsQ);
            K = all.Slice(1, headsQ, headsKv);
            V = all.Slice(1, headsQ + headsKv, headsKv);
            return;
        }
        Q = Place(device, q, options.Placement);
        K = Place(device, k, options.Placement);
        V = Place(device, v, options.Placement);
    }

    public TensorView Q { get; }

    public TensorView K { get; }

    public TensorView V { get; }

    public IEnumerable<string?> Damages() => placed.Select(p => p.Damage(isOutput: false));

    public void Dispose() => placed.ForEach(p => p.Dispose());

    private TensorView Place(AttentionDevice device, HostTensor tensor, Placement placement)
    {
        PlacedTensor input = PlacedTensor.Input(device, tensor, placement);
        placed.Add(input);
        return input.View;
    }

    /// <summary>The heads of Q, K and V behind one another, where all have the same batch, length and dimension.</summary>
    private static HostTensor Pack(HostTensor q, HostTensor k, HostTensor v)
    {
        int batch = q.Shape[0], line = q.Shape[2] * q.Shape[3];
        HostTensor[] parts = [q, k, v];
        float[] values = new float[parts.Sum(part => part.Values.Length)];
        int at = 0;
        for (int b = 0; b < batch; b++)
            foreach (HostTensor part in parts)
            {
                int count = part.Shape[1] * line;
                part.Values.AsSpan(b * count, count).CopyTo(values.AsSpan(at));
                at += count;
            }
        return new HostTensor(q.Type, values, batch, q.Shape[1] + (2 * k.Shape[1]), q.Shape[2], q.Shape[3]);
    }
}
